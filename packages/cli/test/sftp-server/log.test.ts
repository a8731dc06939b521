// Owns the words in which a session of SFTP is logged: those of OpenSSH's sftp-server, at its levels.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { logSession } from '../../src/sftp-server/log.ts'
import { createLog, type Level } from '../../src/sshd/log.ts'

const logged = (level: Level, act: (session: ReturnType<typeof logSession>['log']) => void): readonly string[] => {
  const lines: string[] = []
  const session = logSession(
    createLog(line => void lines.push(line), level),
    'wanda',
    '192.0.2.7',
  )
  act(session.log)
  session.ended()
  return lines.slice(1, -1)
}
const open = { read: false, write: true, append: true, create: true, exclusive: true, truncate: true, noFollow: false }

test('a session begins and ends', () => {
  const lines: string[] = []
  logSession(
    createLog(line => void lines.push(line), 'INFO'),
    'wanda',
    'UNKNOWN',
  ).ended()
  assert.deepEqual(lines, ['session opened for local user wanda from [UNKNOWN]', 'session closed for local user wanda from [UNKNOWN]'])
})

describe('a request', () => {
  for (const [request, line] of [
    [
      { name: 'open', path: '/a', options: open, attributes: { permissions: 0o640 } },
      'open "/a" flags WRITE,APPEND,CREATE,TRUNCATE,EXCL mode 0640',
    ],
    [
      {
        name: 'open',
        path: '/a',
        options: { ...open, write: false, read: true, append: false, create: false, exclusive: false, truncate: false },
      },
      'open "/a" flags READ mode 0666',
    ],
    [{ name: 'mkdir', path: '/a', attributes: { permissions: 0o700 } }, 'mkdir name "/a" mode 0700'],
    [{ name: 'rmdir', path: '/a' }, 'rmdir name "/a"'],
    [{ name: 'remove', path: '/a"\n' }, 'remove name "/a"\\x0a"'],
    [{ name: 'posix-rename', path: '/a', target: '/b' }, 'posix-rename old "/a" new "/b"'],
    [{ name: 'symlink', path: '/link', target: 'text' }, 'symlink old "text" new "/link"'],
    [{ name: 'setstat', path: '/a', attributes: { permissions: 0o7 } }, 'set "/a" mode 0007'],
    [{ name: 'setstat', path: '/a', attributes: { size: 5 } }, 'set "/a" size 5'],
    [{ name: 'lsetstat', path: '/a', attributes: { uid: 1, gid: 2 } }, 'set "/a" owner 1 group 2'],
    [{ name: 'opendir', path: '/a' }, 'opendir "/a"'],
    [{ name: 'statvfs', path: '/a' }, 'statvfs name "/a"'],
  ] as const)
    test(request.name, () =>
      assert.deepEqual(
        logged('INFO', log => log.received?.({ id: 1, ...request })),
        [line],
      ),
    )

  test('of a handle is one of its path', () => {
    const lines = logged('INFO', log => {
      log.opened?.({ handle: 3, path: '/a', directory: false })
      log.received?.({ id: 1, name: 'fsetstat', handle: 3, attributes: { permissions: 0o600 } })
    })
    assert.deepEqual(lines, ['set "/a" mode 0600'])
  })
  test('that only looks is told from VERBOSE on', () => {
    const look = (level: Level) =>
      logged(level, log => {
        log.started?.({ client: 3, agreed: 3 })
        log.received?.({ id: 1, name: 'stat', path: '/a' })
        log.received?.({ id: 2, name: 'realpath', path: '/a' })
        log.received?.({ id: 3, name: 'read', handle: 1, offset: 0, length: 1 })
      })
    assert.deepEqual(look('INFO'), [])
    assert.deepEqual(look('VERBOSE'), ['received client version 3', 'stat name "/a"', 'realpath "/a"'])
  })
})

describe('an answer', () => {
  const answers = (level: Level) =>
    logged(level, log => {
      log.answered?.({ id: 1, answer: 'status', status: 'ok', message: '' })
      log.answered?.({ id: 2, answer: 'status', status: 'no-such-file', message: 'There is none.' })
      log.answered?.({ id: 3, answer: 'status', status: 'eof', message: '' })
    })
  test('that refuses is told', () => assert.deepEqual(answers('INFO'), ['sent status No such file']))
  test('of any kind is told to those who debug', () =>
    assert.deepEqual(answers('DEBUG1'), [
      'sent status Success',
      'sent status No such file',
      'debug1: request 2: There is none.',
      'sent status End of file',
    ]))
})

test('what is closed says what went through, and whether it was by force', () => {
  const lines = logged('INFO', log => {
    log.closed?.({ handle: 1, path: '/a', directory: false, bytesRead: 1, bytesWritten: 2, forced: false })
    log.closed?.({ handle: 1, path: '/a', directory: false, bytesRead: 0, bytesWritten: 2, forced: true })
    log.closed?.({ handle: 2, path: '/d', directory: true, bytesRead: 0, bytesWritten: 0, forced: false })
  })
  assert.deepEqual(lines, ['close "/a" bytes read 1 written 2', 'forced close "/a" bytes read 0 written 2', 'closedir "/d"'])
})

test('an upload that was cut short, and a fault of ours, are errors', () => {
  const all: string[] = []
  const { log } = logSession(
    createLog(line => void all.push(line), 'ERROR'),
    'wanda',
    'x',
  )
  log.unfinished?.([{ path: '/a', bytesWritten: 7 }])
  log.failed?.(new Error('broken\u001b'))
  assert.match(all[0], /"\/a" was being written \(7 bytes so far\); it may not be whole/)
  assert.match(all[1], /^internal error: Error: broken\\x1b/)
})

// Owns what the command line of `sftp` says: letters, destinations, and what is handed to `ssh`.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readSftpCall, readSftpLine } from '../../src/sftp/options.ts'
import { sshArguments } from '../../src/transfer/connect.ts'

const read = (...argv: readonly string[]) => readSftpCall(readSftpLine(argv))
const settings = (...argv: readonly string[]) => read(...argv, 'h').settings

describe('letters', () => {
  test('alone mean a talk with meters', () => {
    assert.deepEqual(settings(), {
      resume: false,
      sync: false,
      preserve: false,
      recursive: false,
      quiet: false,
      progress: true,
      batch: undefined,
      limit: undefined,
      requests: undefined,
      requestSize: undefined,
      server: undefined,
      program: undefined,
      subsystem: 'sftp',
    })
  })
  test('come bundled and glued', () => {
    const { resume, sync, preserve, recursive, requests, requestSize, limit, subsystem } = settings(
      '-afprR16',
      '-B',
      '4096',
      '-l800',
      '-s/x/y',
    )
    assert.deepEqual([resume, sync, preserve, recursive, requests, requestSize], [true, true, true, true, 16, 4096])
    // Kilobits a second become bytes.
    assert.deepEqual([limit, subsystem], [102_400, '/x/y'])
  })
  test('-X says the same as -R and -B', () => {
    const { requests, requestSize } = settings('-Xnrequests=7', '-X', 'buffer=64k')
    assert.deepEqual([requests, requestSize], [7, 65_536])
  })
  test('-b and -q are quiet, -N is not; meters stay away', () => {
    for (const letters of [['-b', '-'], ['-q']]) {
      assert.deepEqual([settings(...letters).quiet, settings(...letters).progress], [true, false])
      assert.deepEqual([settings(...letters, '-N').quiet, settings(...letters, '-N').progress], [false, false])
    }
  })
  for (const [letters, message] of [
    [['-l', '0'], /-l 0: a limit/],
    [['-B', 'x'], /Invalid buffer size "x"/],
    [['-R', '0'], /Invalid number of requests "0"/],
    [['-X', 'buffer=1g'], /Invalid buffer size "1g"/],
    [['-X', 'depth=3'], /Invalid -X option "depth=3"/],
    [['-b', 'x', '-b', 'y'], /Batch file already specified/],
    [['-P', '70000'], /not a port/],
    [['-Z'], /unknown option -- Z/],
  ] as const)
    test(`${letters.join(' ')} is refused`, () => assert.throws(() => read(...letters, 'h'), message))
  test('-b asks nobody anything, -A forwards the agent', () => {
    assert.ok(sshArguments(readSftpLine(['-b', '-', 'h']), { batch: true, agent: true }).includes('-oBatchmode=yes'))
    const forwarding = sshArguments(readSftpLine(['-A', 'h']), { agent: true })
    assert.deepEqual([forwarding.includes('-A'), forwarding.includes('-oForwardAgent=no')], [true, false])
  })
})

describe('destinations', () => {
  for (const [text, host, path] of [
    ['h', { host: 'h' }, ''],
    ['u@h', { host: 'h', user: 'u' }, ''],
    ['u@h:/x y', { host: 'h', user: 'u' }, '/x y'],
    ['[::1]:d/', { host: '::1' }, 'd/'],
    ['sftp://u@h:2022/a%20b', { host: 'h', user: 'u', port: 2022 }, 'a b'],
  ] as const)
    test(text, () => assert.deepEqual(read(text).target, { is: 'remote', host, path }))
  test('have the port of -P, unless they name their own', () => {
    assert.equal(read('-P', '2022', 'h').target?.host.port, 2022)
    assert.equal(read('-P', '2022', 'sftp://h:2023').target?.host.port, 2023)
  })
  test('come with one local path at most, and not at all with -D', () => {
    assert.equal(read('h:x', 'y').local, 'y')
    assert.throws(() => read('h:x', 'y', 'z'), /one destination, and one local path/)
    assert.throws(() => read(), /where to connect to/)
    assert.equal(read('-D', '/bin/server -e').target, undefined)
  })
})

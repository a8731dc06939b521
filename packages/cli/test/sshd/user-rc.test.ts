// What runs before the shell or the command of a session (sshd(8), SSHRC).
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ownAccount } from '../../src/sshd/account.ts'
import { sessionStart, startFile } from '../../src/sshd/user-rc.ts'
import { keptLog, temporaryFolder } from './world.ts'

test('the account’s own file comes first, where it is permitted; then the system’s; and nothing where there is none', () => {
  using folder = temporaryFolder()
  const account = { ...ownAccount(), home: folder.path }
  const system = join(folder.path, 'sshrc')
  assert.equal(startFile(account, true, system), undefined)
  assert.equal(sessionStart(account, undefined).words, '')
  writeFileSync(system, 'echo system\n')
  assert.equal(startFile(account, true, system), system)
  mkdirSync(join(folder.path, '.ssh'))
  writeFileSync(join(folder.path, '.ssh/rc'), 'echo mine\n')
  assert.equal(startFile(account, true, system), '.ssh/rc')
  assert.equal(startFile(account, false, system), system)
})

describe('what the file reads', () => {
  const cookie = 'MIT-MAGIC-COOKIE-1 00112233445566778899aabbccddeeff\n'
  const account = ownAccount()

  test('is nothing, or the cookie of a display, and the command after it has its own input', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'rc')
    writeFileSync(file, 'while read -r line; do echo "read: $line"; done\n')
    const run = (words: string): string => execFileSync('/bin/sh', ['-c', `${words}exec cat`], { input: 'mine\n', encoding: 'utf8' })
    assert.equal(run(sessionStart(account, file).words), 'mine\n')
    assert.equal(run(sessionStart(account, file, cookie, undefined, folder.path).words), `read: ${cookie}mine\n`)
  })

  test('is in a file of the account’s alone, which is gone before the file runs, or when it never does', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'rc')
    writeFileSync(file, 'ls "$(dirname "$0")"\n')
    const kept = (): readonly string[] => readdirSync(folder.path).filter(each => each !== 'rc')
    const first = sessionStart(account, file, cookie, undefined, folder.path)
    assert.doesNotMatch(first.words, /0011/)
    assert.deepEqual(
      kept().map(each => statSync(join(folder.path, each)).mode & 0o777),
      [0o600],
    )
    assert.equal(execFileSync('/bin/sh', ['-c', first.words], { encoding: 'utf8' }), 'rc\n')
    first.leave()
    const never = sessionStart(account, file, cookie, undefined, folder.path)
    assert.equal(kept().length, 1)
    never.leave()
    assert.deepEqual(kept(), [])
  })

  test('is nothing where it cannot be kept, which the log says', () => {
    const { lines, log } = keptLog()
    const start = sessionStart(account, '.ssh/rc', cookie, log, '/nowhere/at/all')
    assert.equal(start.words, '/bin/sh .ssh/rc </dev/null; ')
    assert.match(lines.join(), /\.ssh\/rc of .* is not told of the display: ENOENT/)
    assert.doesNotMatch(lines.join(), /0011/)
    start.leave()
  })
})

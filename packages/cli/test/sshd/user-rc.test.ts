// What runs before the shell or the command of a session (sshd(8), SSHRC).
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ownAccount } from '../../src/sshd/account.ts'
import { startOf } from '../../src/sshd/user-rc.ts'
import { temporaryFolder } from './world.ts'

test('the account’s own file comes first, where it is permitted; then the system’s; and nothing where there is none', () => {
  using folder = temporaryFolder()
  const account = { ...ownAccount(), home: folder.path }
  const system = join(folder.path, 'sshrc')
  assert.equal(startOf(account, true, system), '')
  writeFileSync(system, 'echo system\n')
  assert.equal(startOf(account, true, system), `/bin/sh ${system} </dev/null; `)
  mkdirSync(join(folder.path, '.ssh'))
  writeFileSync(join(folder.path, '.ssh/rc'), 'echo mine\n')
  assert.equal(startOf(account, true, system), '/bin/sh .ssh/rc </dev/null; ')
  assert.equal(startOf(account, false, system), `/bin/sh ${system} </dev/null; `)
})

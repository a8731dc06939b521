// Who runs this program, and what is said where the system does not know.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { userInfo } from 'node:os'
import { ConfigError } from '../../src/errors.ts'
import { ownAccount } from '../../src/io/own-account-node.ts'

test('is who the system says', () => assert.equal(ownAccount().username, userInfo().username))

test('without a line in /etc/passwd is told with the number, and what to do', () => {
  const cause = new Error('uv_os_get_passwd returned ENOENT')
  const look = (): never => {
    throw cause
  }
  assert.throws(
    () => ownAccount(look),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.cause, cause)
      assert.match(error.message, new RegExp(`user number ${process.getuid?.()}, for which this machine has no account`))
      assert.match(error.message, /passwd/)
      return true
    },
  )
})

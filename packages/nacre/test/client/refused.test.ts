// What a client is told when it is not let in: every attempt, also when the server hangs up in the middle.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { AuthenticationError, DisconnectedError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { Server } from '../../src/server/create.ts'
import type { PasswordSource } from '../../src/client/identities.ts'

const signer = async (source: string) => createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), source)

const login = async (options: { maximumAttempts?: number; password: PasswordSource; passwordPrompts: number }): Promise<unknown> => {
  const [ours, theirs] = memoryPair()
  await using server = new Server(
    {
      hostKeys: [await signer('host')],
      authenticate: password(() => undefined),
      session: {},
      refusalFloor: () => 0,
      ...(options.maximumAttempts === undefined ? {} : { maximumAttempts: options.maximumAttempts }),
    },
    nodeRuntime(),
  )
  server.accept(theirs)
  const identities = credentials({ password: options.password, passwordPrompts: options.passwordPrompts })
  try {
    await connectOver(ours, { user: 'bob', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities }, nodeRuntime())
  } catch (error) {
    return error
  }
  return assert.fail('let in')
}

describe('a client that is not let in', () => {
  it('is told of every attempt, in order', async () => {
    const error = await login({ password: () => 'wrong', passwordPrompts: 2 })
    assert.ok(error instanceof AuthenticationError)
    assert.equal(error.code, 'AUTHENTICATION_FAILED')
    assert.deepEqual(
      error.attempts.map(each => [each.method, each.outcome]),
      [
        ['none', 'refused'],
        ['password', 'refused'],
        ['password', 'refused'],
      ],
    )
    assert.deepEqual(error.remaining, ['password'])
    assert.match(error.message, /Could not log in as "bob"/)
    assert.doesNotMatch(error.message, /wrong\b.*password: wrong/)
  })
  it('is told of every attempt also when the server hangs up after too many', async () => {
    const error = await login({ maximumAttempts: 2, password: () => 'wrong', passwordPrompts: 5 })
    assert.ok(error instanceof AuthenticationError)
    assert.deepEqual(
      error.attempts.map(each => each.method),
      ['none', 'password', 'password'],
    )
    assert.match(error.message, /Too many authentication failures/)
    assert.match(error.attempts.at(-1)?.note ?? '', /ended the connection instead of answering/)
  })
  it('that tried nothing is told how the connection ended', async () => {
    const [ours, theirs] = memoryPair()
    theirs.start({ data: () => theirs.close(), end: () => {} })
    const connecting = connectOver(
      ours,
      { user: 'bob', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities: credentials({ password: 'x' }) },
      nodeRuntime(),
    )
    await assert.rejects(
      connecting,
      (error: unknown) => error instanceof DisconnectedError && /before the peer identified itself/.test(error.message),
    )
  })
})

// A server that shows another host key in the middle of a session: the refusal says when it came, and what the key was before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { type HostKeyPolicy, pinnedHostKeys } from '../../src/client/policy.ts'
import { HostKeyError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { generateKey } from '../../src/keys/generate.ts'
import { createSigner, type Signer } from '../../src/keys/signer.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { Server } from '../../src/server/create.ts'

const runtime = nodeRuntime()
const [first, second, user] = await Promise.all(
  ['first', 'second', 'user'].map(async name => createSigner(runtime.crypto, await generateKey(runtime.crypto, 'ed25519'), name)),
)

/** Logs in under a policy; then the server has another key and both make new keys. What ended the connection. */
const turning = async (policy: HostKeyPolicy): Promise<Error> => {
  let now = first
  const host: Signer = {
    get publicKey() {
      return now.publicKey
    },
    algorithms: first.algorithms,
    source: 'a key that turns',
    slow: false,
    sign: (data, algorithm) => now.sign(data, algorithm),
  }
  await using server = new Server<string>(
    { hostKeys: [host], authenticate: publicKey(({ user }) => user), session: {}, refusalFloor: () => 0 },
    runtime,
  )
  const [ours, theirs] = memoryPair()
  server.accept(theirs)
  const identities = credentials({ signers: [user] })
  const connection = await connectOver(ours, { user: 'ada', host: 'test', port: 22, hostKey: policy, identities }, runtime)
  now = second
  connection.rekey()
  return (await connection.closed).error
}

test('a refusal names the key the session began with, and keeps its code', async () => {
  const error = await turning(pinnedHostKeys(first.publicKey.fingerprint()))
  assert.ok(error instanceof HostKeyError, String(error))
  assert.equal(error.code, 'HOST_KEY_REFUSED')
  assert.equal(error.fingerprint, second.publicKey.fingerprint())
  assert.ok(
    error.message.startsWith(
      `In the middle of the session the server showed another host key than the one the session began with, ssh-ed25519 ${first.publicKey.fingerprint()}.`,
    ),
    error.message,
  )
  assert.match(error.message, /somebody has taken it over/)
  assert.ok(error.cause instanceof HostKeyError && error.message.endsWith(error.cause.message))
})

// Learning a host key without logging in: what a server shows and offers, that nobody logs in, and what is told when it has none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostKeyOver } from '../../src/client/host-key.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { NegotiationError, TimeoutError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { Server } from '../../src/server/create.ts'
import { virtualClock } from '../../src/testing/clock.ts'

const signer = async (kind: Parameters<typeof generateKeyNumbers>[0]) =>
  createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers(kind)), 'host')

const serving = async () => {
  const keys = [await signer({ kind: 'ed25519' }), await signer({ kind: 'ecdsa', curve: 'nistp384' })]
  let attempts = 0
  const server = new Server(
    {
      hostKeys: keys,
      authenticate: password(() => {
        attempts++
        return undefined
      }),
      session: {},
    },
    nodeRuntime(),
  )
  return { server, keys, attempts: () => attempts }
}

describe('a host key without a login', () => {
  it('is of the first kind asked for that the server has, with all that it offers and its version', async () => {
    const { server, keys, attempts } = await serving()
    await using _ = server
    for (const [hostKey, expected] of [
      [['ssh-ed25519', 'ecdsa-sha2-nistp384'], 0],
      [['rsa-sha2-512', 'ecdsa-sha2-nistp384', 'ssh-ed25519'], 1],
    ] as const) {
      const [ours, theirs] = memoryPair()
      server.accept(theirs)
      const lines: string[] = []
      const shown = await hostKeyOver(ours, { algorithms: { hostKey }, onIdentified: line => lines.push(line) }, nodeRuntime())
      assert.deepEqual(shown.key.blob, keys[expected].publicKey.blob)
      assert.equal(shown.algorithm, keys[expected].algorithms[0])
      assert.deepEqual(shown.offered.toSorted(), ['ecdsa-sha2-nistp384', 'ssh-ed25519'])
      assert.deepEqual(lines, ['SSH-2.0-nacre_0.1'])
    }
    assert.equal(attempts(), 0)
  })

  it('is not there: the server has no key of these kinds', async () => {
    const { server } = await serving()
    await using _ = server
    const [ours, theirs] = memoryPair()
    server.accept(theirs)
    await assert.rejects(
      hostKeyOver(ours, { algorithms: { hostKey: ['rsa-sha2-512'] } }, nodeRuntime()),
      (error: unknown) => error instanceof NegotiationError && error.mismatch.what === 'host key algorithm',
    )
  })

  it('does not come from a peer that says nothing: the wait has an end, and the signal another', async () => {
    const clock = virtualClock()
    const [silent] = memoryPair()
    const waiting = hostKeyOver(silent, { clock, deadlines: { handshake: 5000 } }, nodeRuntime())
    waiting.catch(() => {})
    clock.advance(5001)
    await assert.rejects(waiting, TimeoutError)
    const stop = new AbortController()
    const [other] = memoryPair()
    const stopped = hostKeyOver(other, { signal: stop.signal }, nodeRuntime())
    const reason = new Error('enough')
    stop.abort(reason)
    await assert.rejects(stopped, reason)
    await assert.rejects(hostKeyOver(memoryPair()[0], { signal: stop.signal }, nodeRuntime()), reason)
  })
})

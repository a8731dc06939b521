// Learning all the keys of a host over any transport: as many connections as the host has kinds, and what a failing one costs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostKeysOver, type HostKeysOptions } from '../../src/client/scan.ts'
import type { ShownHostKey } from '../../src/client/host-key.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { NegotiationError, TimeoutError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { Server } from '../../src/server/create.ts'
import { virtualClock } from '../../src/testing/clock.ts'

const signer = async (kind: Parameters<typeof generateKeyNumbers>[0]) =>
  createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers(kind)), 'host')

const kinds = [['rsa-sha2-512', 'rsa-sha2-256'], ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384'], ['ssh-ed25519'], ['nobody@knows.example']]

/** A host with an ECDSA and an Ed25519 key, and how often it was called. */
const host = async () => {
  const server = new Server(
    {
      hostKeys: [await signer({ kind: 'ed25519' }), await signer({ kind: 'ecdsa', curve: 'nistp384' })],
      authenticate: publicKey(() => undefined),
      session: {},
    },
    nodeRuntime(),
  )
  let calls = 0
  return {
    calls: () => calls,
    open: async (): Promise<ByteTransport> => {
      const [ours, theirs] = memoryPair()
      calls++
      server.accept(theirs)
      return ours
    },
  }
}

const all = async (open: () => Promise<ByteTransport>, options: HostKeysOptions): Promise<readonly string[]> => {
  const found: ShownHostKey[] = []
  for await (const shown of hostKeysOver(open, options, nodeRuntime())) found.push(shown)
  return found.map(each => each.algorithm)
}

describe('the keys of a host', () => {
  it('are one of each kind wanted, with a connection for each kind it has', async () => {
    const { open, calls } = await host()
    assert.deepEqual(await all(open, { kinds }), ['ecdsa-sha2-nistp384', 'ssh-ed25519'])
    assert.equal(calls(), 2)
  })
  it('are none when it has none of the kinds, which is told; of kinds nobody knows nobody is asked', async () => {
    const { open, calls } = await host()
    await assert.rejects(all(open, { kinds: kinds.slice(0, 1) }), NegotiationError)
    assert.deepEqual(await all(open, { kinds: kinds.slice(3) }), [])
    assert.equal(calls(), 1)
  })
  it('are the others when one connection fails after the first, and that is told', async () => {
    const { open } = await host()
    const missed: unknown[] = []
    const gone = new Error('gone')
    let calls = 0
    const failing = async () => (++calls === 2 ? Promise.reject(gone) : await open())
    assert.deepEqual(await all(failing, { kinds, onMissed: error => missed.push(error) }), ['ecdsa-sha2-nistp384'])
    assert.deepEqual(missed, [gone])
    await assert.rejects(
      all(() => Promise.reject(gone), { kinds }),
      gone,
    )
  })
  it('are not waited for when the host says nothing', async () => {
    const clock = virtualClock()
    const waiting = all(async () => memoryPair()[0], { kinds, clock, timeout: 2000 })
    waiting.catch(() => {})
    await new Promise(resolve => setImmediate(resolve))
    clock.advance(2001)
    await assert.rejects(waiting, (error: unknown) => error instanceof TimeoutError && error.message.includes('within 2 s'))
  })
})

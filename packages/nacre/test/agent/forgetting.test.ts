// A key that was given to an agent is overwritten when it is forgotten, however that comes about; one an application still has is not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AgentOptions } from '../../src/agent/agent.ts'
import type { PrivateKey } from '../../src/keys/private.ts'
import { privateKey } from '../keys/fixtures.ts'
import { agentRig, data } from './rig.ts'

/** The fields of a key that nobody must get. */
const secrets = { ed25519: ['seed'], ecdsa256: ['scalar'], rsa2048: ['d', 'iqmp', 'p', 'q'] } as const
const kinds = Object.keys(secrets) as (keyof typeof secrets)[]

const isOverwritten = (kind: keyof typeof secrets, key: PrivateKey): boolean => {
  const numbers = key.revealNumbers() as unknown as Record<string, Uint8Array>
  const states = secrets[kind].map(field => numbers[field].every(byte => byte === 0))
  assert.ok(new Set(states).size === 1, 'some of it and not all')
  return states[0]
}

const taken = (options: Partial<AgentOptions> = {}, kind: keyof typeof secrets = 'ed25519', lifetime?: number) => {
  const rig = agentRig(options)
  const key = privateKey(kind)
  const done = rig.agent.take({ key, certificate: undefined }, kind, lifetime === undefined ? {} : { lifetime })
  return { ...rig, key, done }
}

describe('a key that was given to an agent', () => {
  for (const kind of kinds)
    test(`signs while it is held, and is overwritten when it is removed: ${kind}`, async () => {
      const { client, key } = taken({}, kind)
      const algorithm = { ed25519: 'ssh-ed25519', ecdsa256: 'ecdsa-sha2-nistp256', rsa2048: 'rsa-sha2-512' }[kind]
      assert.ok((await client().sign(key.publicBlob, data, algorithm)).length > 0)
      assert.ok(!isOverwritten(kind, key))
      await client().remove(key.publicBlob)
      assert.ok(isOverwritten(kind, key))
    })
  test('is overwritten with all others', async () => {
    const { client, key } = taken()
    await client().removeAll()
    assert.ok(isOverwritten('ed25519', key))
  })
  test('is overwritten when its time is over, and nobody asks', () => {
    const { clock, key } = taken({}, 'ed25519', 10)
    clock.advance(9_999)
    assert.ok(!isOverwritten('ed25519', key))
    clock.advance(1)
    assert.ok(isOverwritten('ed25519', key))
  })
  test('is overwritten when it comes again, and signs by what came', async () => {
    const { agent, client, key } = taken()
    const again = privateKey('ed25519')
    agent.take({ key: again, certificate: undefined }, 'again', {})
    assert.ok(isOverwritten('ed25519', key))
    assert.ok(!isOverwritten('ed25519', again))
    assert.ok((await client().sign(again.publicBlob, data, 'ssh-ed25519')).length > 0)
  })
  test('is overwritten when it is not taken', () => {
    const { key, done } = taken({ maximumKeys: 0 })
    assert.equal(done, false)
    assert.ok(isOverwritten('ed25519', key))
  })
})

test('a key an application gave by itself is its own', () => {
  const { agent } = agentRig()
  const key = privateKey('ed25519')
  agent.add({ key, certificate: undefined }, 'mine')
  agent.removeAll()
  assert.ok(!isOverwritten('ed25519', key))
})

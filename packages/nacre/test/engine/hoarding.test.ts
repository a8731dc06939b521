// What an engine keeps for a peer that announces much and sends little, or asks much and waits for nothing. That nothing grows
// whatever else a peer sends is searched for by the fuzzer, and its findings are replayed in test/fuzz.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAttack, plainPacket } from '../../src/testing/hostile.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'

describe('an engine keeps no more than it must of', () => {
  it('a packet that is announced as large and never comes', () => {
    const attack = createAttack({ victim: { role: 'server', crypto: nullCrypto }, hostile: { mute: true } })
    attack.hostile.raw('SSH-2.0-slow\r\n')
    attack.hostile.raw(plainPacket(new Uint8Array(10), { length: 256 * 1024 - 4 }).subarray(0, 8))
    attack.run()
    assert.equal(attack.victim.ending, undefined)
    assert.ok(attack.victim.engine.pendingOutput < 2 ** 20)
  })
  for (const role of ['client', 'server'] as const) {
    it(`questions and answers that nobody waits for, as a ${role}`, () => {
      const attack = createAttack({ victim: role === 'client' ? { role, crypto: nullCrypto } : { role, crypto: nullCrypto } }).login()
      for (let i = 0; i < 2000; i++) attack.hostile.payload(Uint8Array.of(80, 0, 0, 0, 1, 120, 0))
      attack.run()
      assert.equal(attack.victim.ending, undefined)
      assert.ok(attack.victim.engine.pendingOutput < 2 ** 20)
    })
  }
})

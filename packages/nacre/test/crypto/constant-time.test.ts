// Comparisons of secrets read every byte of both sides, wherever the first difference is: what they read, and so how long
// they take, says nothing about the contents. Reads are counted by arrays whose elements are getters; time is not measured.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { equalBytes, equalRegions } from '../../src/crypto/constant-time.ts'
import { counted } from './counted.ts'

const secret = Uint8Array.from({ length: 16 }, (_, i) => i * 7)
const differing = (at: number): Uint8Array => secret.map((byte, i) => (i === at ? byte ^ 0x80 : byte))

describe('a comparison', () => {
  it('is true for the same bytes only', () => {
    assert.equal(equalBytes(secret, secret.slice()), true)
    assert.equal(equalRegions(secret, 4, secret.slice(2), 2, 10), true)
    for (let at = 0; at < secret.length; at++) {
      assert.equal(equalBytes(secret, differing(at)), false, `byte ${at}`)
      assert.equal(equalRegions(secret, 0, differing(at), 0, 16), false, `byte ${at}`)
    }
    assert.equal(equalBytes(secret, secret.subarray(1)), false)
    assert.equal(equalBytes(new Uint8Array(0), new Uint8Array(0)), true)
  })

  it('reads every byte of both sides once, wherever they differ', () => {
    for (const at of [-1, 0, 1, 8, 15]) {
      for (const compare of [equalBytes, (a: Uint8Array, b: Uint8Array) => equalRegions(a, 0, b, 0, 16)]) {
        const left = counted(secret)
        const right = counted(differing(at))
        assert.equal(compare(left.bytes, right.bytes), at === -1)
        assert.deepEqual(
          left.reads,
          Array.from({ length: 16 }, () => 1),
          `left, differing at ${at}`,
        )
        assert.deepEqual(right.reads, left.reads, `right, differing at ${at}`)
      }
    }
  })
})

// What counts as base64 in key files.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBase64, encodeBase64 } from '../../src/keys/base64.ts'

test('every length and byte goes there and back, as the runtime has it', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => (i * 7 + 3) & 0xff)
  for (let length = 0; length <= bytes.length; length++) {
    const text = encodeBase64(bytes.subarray(0, length))
    assert.equal(text, Buffer.from(bytes.subarray(0, length)).toString('base64'))
    assert.deepEqual(decodeBase64(text), bytes.slice(0, length))
  }
})

test('what is not exactly base64 is refused', () => {
  for (const text of ['A', 'AA', 'AAA', 'AA==AA==', 'AA=A', '====', 'A===', 'AA A', 'AAAä', 'AA-_', 'AB==', 'AAB=', 'AAAA\n']) {
    assert.equal(decodeBase64(text), undefined, text)
  }
})

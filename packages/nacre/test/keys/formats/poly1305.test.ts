// Poly1305 for key files, against RFC 8439.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { poly1305 } from '../../../src/keys/formats/poly1305.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], pair => Number.parseInt(pair, 16))

test('RFC 8439 §2.5.2', () => {
  const key = hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
  const message = new TextEncoder().encode('Cryptographic Forum Research Group')
  assert.deepEqual(poly1305(key, message), hex('a8061dc1305136c6c22b8baf0c0127a9'))
})

test('RFC 8439 §A.3, numbers 7 to 10: sums beyond the prime', () => {
  const r = (first: string): string => first.padEnd(32, '0')
  for (const [key, message, tag] of [
    [r('01') + '0'.repeat(32), 'ff'.repeat(16) + 'f0' + 'ff'.repeat(15) + '11' + '00'.repeat(15), r('05')],
    [r('01') + '0'.repeat(32), 'ff'.repeat(16) + 'fb' + 'fe'.repeat(15) + '01'.repeat(16), r('00')],
    [r('02') + '0'.repeat(32), 'fd' + 'ff'.repeat(15), 'fa' + 'ff'.repeat(15)],
    [
      '01000000000000000400000000000000' + '0'.repeat(32),
      'e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000',
      '14000000000000005500000000000000',
    ],
  ]) {
    assert.deepEqual(poly1305(hex(key), hex(message)), hex(tag))
  }
})

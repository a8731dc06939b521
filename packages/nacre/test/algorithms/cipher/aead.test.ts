// Specifies the ciphers with integrity of their own as sealers and openers of packets: nonces, lengths, refusals.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { aes128Gcm, aes256Gcm } from '../../../src/algorithms/cipher/aes-gcm.ts'
import { chacha20Poly1305 } from '../../../src/algorithms/cipher/chacha20-poly1305.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import { digest, hex, patterned, primitiveVectors, sameBytes } from '../../crypto/bytes.ts'

const crypto = nodeCrypto()

/** A packet of `size` bytes after its length field, with 5 bytes before and room for the tag. */
const packet = (size: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(5 + 4 + size + 16)
  bytes.set(patterned(size, seed), 9)
  new DataView(bytes.buffer).setUint32(5, size)
  return bytes
}

describe('AES-GCM nonces (RFC 5647 §7.1)', () => {
  for (const { keyBytes, iv, packets } of primitiveVectors().aesGcm) {
    test(`${8 * keyBytes} bits from ${iv}: the last 8 bytes count packets, carry, and leave the first 4 alone`, () => {
      const row = keyBytes === 16 ? aes128Gcm : aes256Gcm
      const given = hex(iv)
      const sealer = row.createSealer(crypto, patterned(keyBytes, keyBytes), given)
      const opener = row.createOpener(crypto, patterned(keyBytes, keyBytes), given)
      ;[16, 32, 4096, 32768].forEach((size, i) => {
        const bytes = new Uint8Array(4 + size + 16)
        bytes.set(patterned(4 + size, size))
        sealer.seal(bytes, 0, size, i)
        assert.equal(digest(bytes), packets[i], `packet ${i}`)
        assert.ok(sameBytes(opener.open(bytes, 0, size, i), patterned(4 + size, size).subarray(4)), `packet ${i}`)
      })
      assert.deepEqual(given, hex(iv), 'the caller’s IV is not counted up')
    })
  }
})

for (const row of [aes128Gcm, aes256Gcm, chacha20Poly1305]) {
  describe(row.name, () => {
    const key = patterned(row.keyBytes, 1)
    const iv = patterned(row.ivBytes, 2)
    const sealedPacket = (size: number): Uint8Array => {
      const bytes = packet(size, size)
      row.createSealer(crypto, key, iv).seal(bytes, 5, size, 3)
      return bytes
    }

    test('a hundred packets of growing size come back, with their lengths', () => {
      const sealer = row.createSealer(crypto, key, iv)
      const opener = row.createOpener(crypto, key, iv)
      for (let sequence = 0; sequence < 100; sequence++) {
        const size = 16 * (1 + 5 * sequence)
        const bytes = packet(size, sequence)
        sealer.seal(bytes, 5, size, sequence)
        assert.equal(opener.packetLength(bytes, 5, sequence), size)
        const opened = opener.open(bytes, 5, size, sequence)
        assert.ok(sameBytes(opened, patterned(size, sequence)), `packet ${sequence}`)
        if (opener.detached) assert.notEqual(opened?.buffer, bytes.buffer)
        assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 0, 0], 'nothing before the packet was touched')
      }
    })

    test('what was touched anywhere is refused: length, padding length, payload, padding, tag', () => {
      const size = 320
      for (const at of [5, 8, 9, 10, 200, 8 + size, 9 + size, 9 + size + 15]) {
        const bytes = sealedPacket(size)
        bytes[at] ^= 0x01
        assert.equal(row.createOpener(crypto, key, iv).open(bytes, 5, size, 3), undefined, `byte ${at}`)
      }
      assert.ok(row.createOpener(crypto, key, iv).open(sealedPacket(size), 5, size, 3))
    })

    test('another key, and a packet cut by a block, is refused', () => {
      assert.equal(row.createOpener(crypto, patterned(row.keyBytes, 9), iv).open(sealedPacket(320), 5, 320, 3), undefined)
      assert.equal(row.createOpener(crypto, key, iv).open(sealedPacket(320), 5, 304, 3), undefined)
    })

    test('a packet in the place of another is refused', () => {
      const sealer = row.createSealer(crypto, key, iv)
      const opener = row.createOpener(crypto, key, iv)
      const [first, second] = [packet(32, 1), packet(32, 2)]
      sealer.seal(first, 5, 32, 0)
      sealer.seal(second, 5, 32, 1)
      assert.equal(opener.open(second, 5, 32, 0), undefined)
    })

    test('the row and both ends agree on the layout', () => {
      const sealer = row.createSealer(crypto, key, iv)
      const opener = row.createOpener(crypto, key, iv)
      assert.deepEqual([row.integrity, row.standing], ['built-in', 'default'])
      for (const end of [sealer, opener]) assert.deepEqual([end.tagBytes, end.blockBytes, end.lengthCounts], [16, row.blockBytes, false])
      assert.equal(opener.firstBytes, 4)
    })
  })
}

test('sizes of keys, IVs and blocks; the limit of one key is 64 GiB (RFC 4344 §3.2)', () => {
  const columns = [aes128Gcm, aes256Gcm, chacha20Poly1305].map(row => [
    row.name,
    row.keyBytes,
    row.ivBytes,
    row.blockBytes,
    row.rekeyAfterBytes,
  ])
  assert.deepEqual(columns, [
    ['aes128-gcm@openssh.com', 16, 12, 16, 2 ** 36],
    ['aes256-gcm@openssh.com', 32, 12, 16, 2 ** 36],
    ['chacha20-poly1305@openssh.com', 64, 0, 8, 2 ** 36],
  ])
})

test('ChaCha20: the length is read without changing the packet, whose tag covers it as sent', () => {
  const key = patterned(64, 1)
  const bytes = packet(40, 1)
  chacha20Poly1305.createSealer(crypto, key, new Uint8Array(0)).seal(bytes, 5, 40, 77)
  const before = bytes.slice()
  const opener = chacha20Poly1305.createOpener(crypto, key, new Uint8Array(0))
  assert.equal(opener.packetLength(bytes, 5, 77), 40)
  assert.deepEqual(bytes, before)
  assert.notEqual(opener.packetLength(bytes, 5, 78), 40)
})

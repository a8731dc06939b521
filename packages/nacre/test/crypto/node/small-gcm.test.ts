// Specifies AES-GCM of small packets past node:crypto, in WebAssembly and from a running cipher: it gives what node:crypto
// gives, refuses what was touched, and never uses key stream twice.
import assert from 'node:assert/strict'
import { type CipherGCMTypes, createCipheriv } from 'node:crypto'
import { describe, test } from 'node:test'
import { aesGcm } from '../../../src/crypto/node/ciphers.ts'
import { isSmall, smallGcm } from '../../../src/crypto/node/small-gcm.ts'
import type { Aead } from '../../../src/crypto/provider.ts'
import { patterned, sameBytes, toHex } from '../bytes.ts'

const seed = Number(process.env.NACRE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const tagBytes = 16
const lengthBytes = 4

/** What node:crypto makes of a packet in its buffer: additional data, packet, room for the tag. */
const byNode = (key: Uint8Array, nonce: Uint8Array, packet: Uint8Array): Uint8Array => {
  const name: CipherGCMTypes = key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
  const cipher = createCipheriv(name, key, nonce).setAAD(packet.subarray(0, lengthBytes))
  const sealed = cipher.update(packet.subarray(lengthBytes, packet.length - tagBytes))
  cipher.final()
  return Uint8Array.from([...packet.subarray(0, lengthBytes), ...sealed, ...cipher.getAuthTag()])
}

/** Additional data and packet of `size` bytes, with room for a tag. */
const frame = (size: number, from = size): Uint8Array => {
  const bytes = new Uint8Array(lengthBytes + size + tagBytes)
  bytes.set(patterned(lengthBytes + size, from))
  return bytes
}

/** RFC 5647 §7.1: the last 8 bytes of the nonce count. */
const nonceAt = (fixed: Uint8Array, count: bigint): Uint8Array => {
  const nonce = fixed.slice()
  new DataView(nonce.buffer).setBigUint64(4, count)
  return nonce
}

type Gcm = Pick<Aead, 'seal' | 'open'>

const small = (key: Uint8Array): Gcm => {
  const made = smallGcm(key)
  assert.ok(made, 'this runtime has WebAssembly and its SIMD')
  return made
}

/** The largest packet that is small. */
const mostBytes = 256
/** So many packets go through WebAssembly before there is a running cipher. */
const packetsBeforeRunning = 32

/** The same after many packets: those of up to 48 bytes go through a running cipher. */
const worn = <T extends Gcm>(by: T): T => {
  for (let count = 0; count <= packetsBeforeRunning; count++) by.seal(new Uint8Array(12), frame(0), 0, lengthBytes, lengthBytes)
  return by
}

const ways: readonly { readonly way: string; readonly made: (key: Uint8Array) => Gcm }[] = [
  { way: 'in WebAssembly', made: small },
  { way: 'from a running cipher', made: key => worn(small(key)) },
]

const sealed = (by: Pick<Aead, 'seal'>, nonce: Uint8Array, packet: Uint8Array): Uint8Array => {
  const bytes = packet.slice()
  by.seal(nonce, bytes, 0, lengthBytes, bytes.length - tagBytes)
  return bytes
}

const opened = (by: Pick<Aead, 'open'>, nonce: Uint8Array, bytes: Uint8Array): Uint8Array | undefined =>
  by.open(nonce, bytes, 0, lengthBytes, bytes.length - tagBytes)

for (const keyBytes of [16, 32]) {
  const key = patterned(keyBytes, seed)
  const fixed = patterned(12, seed + 1)

  describe(`AES-GCM of small packets, ${8 * keyBytes} bits, NACRE_SEED=${seed}`, () => {
    test('every size up to 512 bytes, with another key and nonce each: as node:crypto, both ways', () => {
      for (let size = 0; size <= 512; size++) {
        const [ownKey, nonce] = [patterned(keyBytes, seed + 2 * size), patterned(12, seed + 3 * size)]
        const packet = frame(size, seed + size)
        const expected = byNode(ownKey, nonce, packet)
        for (const [sealing, opening] of [
          [aesGcm(ownKey), aesGcm(ownKey)],
          [worn(aesGcm(ownKey)), worn(aesGcm(ownKey))],
        ]) {
          // Some bytes beside the packet, which stay.
          const bytes = Uint8Array.from([9, 9, 9, ...packet, 8])
          sealing.seal(nonce, bytes, 3, 3 + lengthBytes, 3 + lengthBytes + size)
          assert.ok(sameBytes(bytes, Uint8Array.from([9, 9, 9, ...expected, 8])), `${size} bytes sealed`)
          const back = opening.open(nonce, bytes, 3, 3 + lengthBytes, 3 + lengthBytes + size)
          assert.ok(sameBytes(back, packet.subarray(lengthBytes, lengthBytes + size)), `${size} bytes opened`)
          assert.equal(back?.buffer, bytes.buffer, 'in place')
          assert.equal(back?.constructor, Uint8Array, 'no Buffer leaves the provider')
        }
      }
    })

    test('additional data of every size up to 40 bytes', () => {
      for (let additional = 0; additional <= 40; additional++) {
        const bytes = new Uint8Array(additional + 32 + tagBytes)
        bytes.set(patterned(additional + 32, seed + additional))
        const cipher = createCipheriv(keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, fixed).setAAD(bytes.subarray(0, additional))
        const expected = [
          ...bytes.subarray(0, additional),
          ...cipher.update(bytes.subarray(additional, additional + 32)),
          ...cipher.final(),
        ]
        aesGcm(key).seal(fixed, bytes, 0, additional, additional + 32)
        assert.ok(sameBytes(bytes, Uint8Array.from([...expected, ...cipher.getAuthTag()])), `${additional} bytes`)
        assert.equal(isSmall(fixed, additional, 32), additional <= 16)
      }
    })

    test('small and large packets mixed on one key, from the first on', () => {
      const [sealing, opening] = [aesGcm(key), aesGcm(key)]
      const sizes = patterned(300, seed + 5)
      for (let count = 0; count < 300; count++) {
        const size = sizes[count] < 200 ? sizes[count] % 64 : sizes[count] * 20
        const nonce = nonceAt(fixed, BigInt(count))
        const bytes = sealed(sealing, nonce, frame(size))
        assert.ok(sameBytes(bytes, byNode(key, nonce, frame(size))), `packet ${count} of ${size} bytes`)
        assert.ok(sameBytes(opened(opening, nonce, bytes), frame(size).subarray(lengthBytes, lengthBytes + size)), `packet ${count}`)
      }
    })

    for (const { way, made } of ways) {
      test(`${way}: nonces that count on, pass over some, come again, go back, and carry into the upper word`, () => {
        const by = made(key)
        const counts = [0n, 1n, 2n, 2n, 5n, 5n, 4n, 12n, 13n, 100n, 0n, 0n]
        const carrying = Array.from({ length: 12 }, (_, i) => 2n ** 32n - 5n + BigInt(i))
        const wrapping = Array.from({ length: 12 }, (_, i) => BigInt.asUintN(64, 2n ** 64n - 5n + BigInt(i)))
        for (const count of [...counts, ...carrying, ...wrapping]) {
          const nonce = nonceAt(fixed, count)
          // The same nonce again gives the same key stream, and never one that was overwritten.
          for (const size of [16, 48, 49])
            assert.equal(toHex(sealed(by, nonce, frame(size))), toHex(byNode(key, nonce, frame(size))), `nonce ${count}`)
        }
        for (const count of [7n, 8n]) {
          const other = nonceAt(patterned(12, seed + 9), count)
          assert.equal(toHex(sealed(by, other, frame(16))), toHex(byNode(key, other, frame(16))), 'another fixed field')
        }
      })

      test(`${way}: a bit changed in any byte of length, packet or tag is refused, and nothing is decrypted`, () => {
        const [sealing, opening] = [made(key), made(key)]
        for (const size of [0, 16, 32, 100, mostBytes]) {
          const good = sealed(sealing, fixed, frame(size))
          for (let at = 0; at < good.length; at++) {
            const touched = good.slice()
            touched[at] ^= 1 << (at & 7)
            const before = touched.slice()
            assert.equal(opened(opening, fixed, touched), undefined, `byte ${at} of ${size}`)
            assert.ok(sameBytes(touched, before), `byte ${at} of ${size}: what was refused is as it came`)
          }
          assert.equal(opened(opening, nonceAt(fixed, 77n), good.slice()), undefined, 'another nonce')
          assert.ok(
            sameBytes(opened(opening, fixed, good.slice()), frame(size).subarray(lengthBytes, lengthBytes + size)),
            'untouched it opens',
          )
        }
      })

      test(`${way}: two keys in turn do not mix`, () => {
        const [one, other] = [made(key), made(patterned(keyBytes, seed + 6))]
        for (let count = 0n; count < 20n; count++) {
          const nonce = nonceAt(fixed, count)
          assert.ok(sameBytes(sealed(one, nonce, frame(16)), byNode(key, nonce, frame(16))))
          assert.ok(sameBytes(sealed(other, nonce, frame(32)), byNode(patterned(keyBytes, seed + 6), nonce, frame(32))))
        }
      })
    }

    test('after dispose the key is not usable, for small packets and large ones', () => {
      const by = aesGcm(key)
      for (let count = 0; count < 40; count++) sealed(by, nonceAt(fixed, BigInt(count)), frame(16))
      by.dispose?.()
      for (const size of [16, 4096]) assert.throws(() => sealed(by, fixed, frame(size)), /was disposed of/)
    })
  })
}

// sntrup761: agreement with OpenSSH, with itself, and what becomes of forged ciphertexts.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { x25519 } from '@noble/curves/ed25519.js'
import type { Random } from '../../src/crypto/provider.ts'
import { sntrup761Bytes, sntrup761Decapsulate, sntrup761Encapsulate, sntrup761Generate } from '../../src/crypto/sntrup761.ts'
import { decodeSmall, radixCode } from '../../src/crypto/sntrup761-encoding.ts'
import { modQ, multiplySmall } from '../../src/crypto/sntrup761-field.ts'
import { multiplyTernary } from '../../src/crypto/sntrup761-ternary.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const sha512 = (...pieces: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(createHash('sha512').update(Buffer.concat(pieces)).digest())
const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16)
const seeded = (seed: string): Random => {
  let count = 0
  return bytes => void bytes.set(createHash('shake256', { outputLength: bytes.length }).update(`${seed} ${count++}`).digest())
}

describe('sntrup761 and OpenSSH', () => {
  const vector: Record<'secretKey' | 'x25519Private' | 'ciphertext' | 'x25519Public' | 'secret', string> = JSON.parse(
    readFileSync(new URL('vectors/sntrup761-openssh-9.2.json', import.meta.url), 'utf8'),
  )
  it('finds the secret that sshd put into a ciphertext', () => {
    const postQuantum = sntrup761Decapsulate(hex(vector.secretKey), hex(vector.ciphertext), sha512)
    const classical = x25519.getSharedSecret(hex(vector.x25519Private), hex(vector.x25519Public))
    assert.equal(Buffer.from(sha512(postQuantum, classical)).toString('hex'), vector.secret)
  })
})

describe('sntrup761', () => {
  it('gives both sides the same secret', () => {
    for (let i = 0; i < 12; i++) {
      const random = seeded(`pair ${i}`)
      const { publicKey, secretKey } = sntrup761Generate(random, sha512)
      const { ciphertext, secret } = sntrup761Encapsulate(publicKey, random, sha512)
      assert.deepEqual([publicKey.length, secretKey.length, ciphertext.length, secret.length], Object.values(sntrup761Bytes), `seed ${i}`)
      assert.deepEqual(sntrup761Decapsulate(secretKey, ciphertext, sha512), secret, `seed ${i}`)
    }
  })

  it('depends on its random bytes alone', () => {
    const made = () => {
      const random = seeded('fixed')
      const pair = sntrup761Generate(random, sha512)
      return { ...pair, ...sntrup761Encapsulate(pair.publicKey, random, sha512) }
    }
    const { publicKey, secretKey, ciphertext, secret } = made()
    assert.deepEqual(made(), { publicKey, secretKey, ciphertext, secret })
    // What this implementation made on the day it agreed with OpenSSH.
    assert.deepEqual([publicKey, secretKey, ciphertext, secret].map(sha256Hex), [
      '692d9c8b4ecccd42',
      '3633b1a2fe2c61be',
      'd374c7fa4da11126',
      '20b9062856ae16aa',
    ])
  })

  it('makes keys with h · 3f = g and the inverse of g', () => {
    const { publicKey, secretKey } = sntrup761Generate(seeded('key'), sha512)
    const f = decodeSmall(secretKey)
    const inverse = decodeSmall(secretKey.subarray(191))
    const h = radixCode(4591)
      .decode(publicKey, 0)
      .map(each => each - 2295)
    const g = Int8Array.from(multiplySmall(h, f).map(each => modQ(3 * each)))
    assert.ok(g.every(each => each >= -1 && each <= 1))
    assert.equal(f.filter(each => each !== 0).length, 286)
    assert.deepEqual([...multiplyTernary(g, inverse)], [1, ...Array.from({ length: 760 }, () => 0)])
    assert.deepEqual(secretKey.subarray(382, 382 + 1158), publicKey)
    assert.deepEqual(secretKey.subarray(1731), sha512(Uint8Array.of(4), publicKey).subarray(0, 32))
  })

  it('answers a forged ciphertext with a secret made from the fallback', () => {
    const random = seeded('forged')
    const { publicKey, secretKey } = sntrup761Generate(random, sha512)
    const { ciphertext, secret } = sntrup761Encapsulate(publicKey, random, sha512)
    const fallback = secretKey.subarray(1540, 1731)
    // In the rounded element, at its ends, and in the confirming hash.
    for (const at of [0, 1, 500, 1006, 1007, 1020, 1038]) {
      const forged = ciphertext.slice()
      forged[at] ^= 1
      const answer = sntrup761Decapsulate(secretKey, forged, sha512)
      const expected = sha512(Uint8Array.of(0), sha512(Uint8Array.of(3), fallback).subarray(0, 32), forged).subarray(0, 32)
      assert.deepEqual(answer, expected, `byte ${at}`)
      assert.notDeepEqual(answer, secret, `byte ${at}`)
    }
  })

  it('takes any bytes of the right size', () => {
    const { secretKey } = sntrup761Generate(seeded('any'), sha512)
    for (const byte of [0, 255]) {
      assert.equal(sntrup761Decapsulate(secretKey, new Uint8Array(1039).fill(byte), sha512).length, 32)
      assert.equal(sntrup761Encapsulate(new Uint8Array(1158).fill(byte), seeded('any'), sha512).ciphertext.length, 1039)
    }
  })

  it('refuses other sizes', () => {
    const { publicKey, secretKey } = sntrup761Generate(seeded('sizes'), sha512)
    assert.throws(
      () => sntrup761Encapsulate(publicKey.subarray(1), seeded(''), sha512),
      new RangeError('an sntrup761 public key has 1158 bytes, not 1157'),
    )
    assert.throws(
      () => sntrup761Decapsulate(secretKey, new Uint8Array(1040), sha512),
      new RangeError('an sntrup761 ciphertext has 1039 bytes, not 1040'),
    )
    assert.throws(
      () => sntrup761Decapsulate(new Uint8Array(0), new Uint8Array(1039), sha512),
      new RangeError('an sntrup761 secret key has 1763 bytes, not 0'),
    )
  })
})

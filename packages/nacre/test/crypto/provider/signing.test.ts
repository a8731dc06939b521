// Specifies signatures in every provider: those of other tools verify, ours are the same where the scheme has one answer,
// and what was touched is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HashName, PlainPrivateNumbers } from '../../../src/crypto/provider.ts'
import { hex, patterned, primitiveVectors, type StoredKey, toHex } from '../bytes.ts'
import { providers } from './providers.ts'
const stored = primitiveVectors().signatures
const message = patterned(stored.messageBytes, stored.messageSeed)

/** Every field but the names in bytes. A private key's numbers hold the public ones. */
const numbersOf = (key: StoredKey): PlainPrivateNumbers =>
  Object.fromEntries(
    Object.entries(key).map(([field, value]) => [field, field === 'kind' || field === 'curve' ? value : hex(value)]),
  ) as unknown as PlainPrivateNumbers

for (const { crypto, lacks } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    for (const { key, hash, signature, deterministic } of stored.vectors) {
      const numbers = numbersOf(key)
      const signs = !lacks.includes(`${key.kind} signing`)
      const name = hash as HashName | undefined
      describe(`${key.curve ?? key.kind} ${hash ?? ''}`, () => {
        test('a signature of OpenSSL verifies', () => {
          assert.equal(crypto.verifyKey(numbers).verify(name, message, hex(signature)), true)
        })

        test('ours verifies, and is the same where there is only one', { skip: !signs }, async () => {
          const made = await crypto.signingKey(numbers).sign(name, message)
          assert.equal(made.constructor, Uint8Array)
          assert.equal(made.length, hex(signature).length)
          assert.equal(crypto.verifyKey(numbers).verify(name, message, made), true)
          if (deterministic) assert.equal(toHex(made), signature)
        })

        test('another message, a touched, cut, lengthened or empty signature does not', () => {
          const verify = crypto.verifyKey(numbers)
          const good = hex(signature)
          const touched = good.slice()
          touched[good.length - 1] ^= 1
          for (const bad of [
            touched,
            good.subarray(0, -1),
            Uint8Array.of(...good, 0),
            new Uint8Array(0),
            new Uint8Array(good.length),
            new Uint8Array(good.length).fill(0xff),
          ]) {
            assert.equal(verify.verify(name, message, bad), false, toHex(bad).slice(0, 16))
          }
          assert.equal(verify.verify(name, message.subarray(1), good), false)
          if (key.kind === 'rsa') assert.equal(verify.verify(hash === 'sha256' ? 'sha512' : 'sha256', message, good), false, 'another hash')
        })
      })
    }

    describe('signing keys', () => {
      const of = (kind: string): PlainPrivateNumbers => {
        const found = stored.vectors.find(each => each.key.kind === kind)
        assert.ok(found)
        return numbersOf(found.key)
      }

      test('RSA signs later, in a pool or in WebCrypto, the others at once', async () => {
        const pending = crypto.signingKey(of('rsa')).sign('sha256', message)
        assert.ok(pending instanceof Promise)
        await pending
        for (const kind of ['ed25519', 'ecdsa', 'dsa'].filter(each => !lacks.includes(`${each} signing`)))
          assert.ok(crypto.signingKey(of(kind)).sign('sha256', message) instanceof Uint8Array, kind)
      })

      test('the message may change once an RSA signature was asked for', async () => {
        const mutable = message.slice()
        const pending = crypto.signingKey(of('rsa')).sign('sha256', mutable)
        mutable.fill(0)
        assert.equal(crypto.verifyKey(of('rsa')).verify('sha256', message, await pending), true)
      })

      test('an RSA signature without its leading zero verifies', () => {
        const { messageBytes, messageSeed, signature } = stored.rsaWithoutZero
        assert.equal(hex(signature).length, 255)
        assert.equal(crypto.verifyKey(of('rsa')).verify('sha256', patterned(messageBytes, messageSeed), hex(signature)), true)
      })

      test('leading zeros in numbers do no harm', async () => {
        const rsa = of('rsa')
        const padded = Object.fromEntries(
          Object.entries(rsa).map(([field, value]) => [field, typeof value === 'string' ? value : Uint8Array.of(0, ...value)]),
        ) as unknown as PlainPrivateNumbers
        assert.equal(crypto.verifyKey(rsa).verify('sha256', message, await crypto.signingKey(padded).sign('sha256', message)), true)
      })

      test('a scalar shorter than its field is widened', async () => {
        const side = crypto.ecdh('nistp256', bytes => void bytes.fill(0).set([5], 31))
        const signature = await crypto
          .signingKey({ kind: 'ecdsa', curve: 'nistp256', point: side.publicKey, scalar: Uint8Array.of(5) })
          .sign('sha256', message)
        assert.equal(
          crypto.verifyKey({ kind: 'ecdsa', curve: 'nistp256', point: side.publicKey }).verify('sha256', message, signature),
          true,
        )
      })

      test('numbers that are no key throw', () => {
        const ecdsa = of('ecdsa')
        assert.ok(ecdsa.kind === 'ecdsa')
        const off = ecdsa.point.slice()
        off[40] ^= 1
        assert.throws(() => crypto.verifyKey({ ...ecdsa, point: off }))
        assert.throws(() => crypto.verifyKey({ ...ecdsa, point: ecdsa.point.subarray(1) }), /a point on nistp256 has 65 bytes/)
        assert.throws(() => crypto.verifyKey({ kind: 'ed25519', publicKey: patterned(31) }), /32 bytes/)
        assert.throws(() => crypto.signingKey({ ...ecdsa, scalar: patterned(40) }), /32 are the most/)
      })

      test('a kind of key that cannot sign here is refused in words', { skip: !lacks.includes('dsa signing') }, () => {
        assert.throws(() => crypto.signingKey(of('dsa')), { code: 'KEY_UNSUPPORTED', message: /ssh-keygen -t ed25519/ })
      })

      test('a hash is needed by all but Ed25519', () => {
        assert.throws(() => crypto.verifyKey(of('rsa')).verify(undefined, message, patterned(256)), TypeError)
      })
    })
  })
}

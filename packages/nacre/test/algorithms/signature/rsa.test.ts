// The blobs of ssh-rsa keys and of their three signature algorithms.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { insecureSshRsa, rsaKey, rsaSha256, rsaSha512 } from '../../../src/algorithms/signature/rsa.ts'
import { maximumRsaBits, minimumRsaBits, tooWeak } from '../../../src/algorithms/signature/strength.ts'
import { WireError } from '../../../src/errors.ts'
import { decode, encode, mpint, struct } from '../../../src/wire/codec.ts'
import { privateKey } from '../../keys/fixtures.ts'

const fields = struct({ e: mpint, n: mpint })
const e = Uint8Array.of(1, 0, 1)
/** An odd number of so many bits. */
const odd = (bits: number): Uint8Array => {
  const number = new Uint8Array(Math.ceil(bits / 8))
  number[0] = 1 << ((bits - 1) % 8)
  number[number.length - 1] |= 1
  return number
}

test('three algorithms over one key type; only the one with SHA-1 is insecure', () => {
  assert.deepEqual(
    [rsaSha512, rsaSha256, insecureSshRsa].map(row => [row.name, row.hash, row.standing, row.keyType]),
    [
      ['rsa-sha2-512', 'sha512', 'default', 'ssh-rsa'],
      ['rsa-sha2-256', 'sha256', 'default', 'ssh-rsa'],
      ['ssh-rsa', 'sha1', 'insecure', 'ssh-rsa'],
    ],
  )
})

test('a key has an odd exponent from 3 up, and a modulus that is odd and not absurdly large', () => {
  const read = (value: { e: Uint8Array; n: Uint8Array }) => decode(rsaKey.publicFields, encode(fields, value))
  const good = { e, n: odd(2048) }
  assert.deepEqual(read(good), { kind: 'rsa', ...good })
  assert.ok(read({ e: Uint8Array.of(3), n: good.n }))
  assert.ok(read({ e, n: odd(maximumRsaBits) }))
  for (const bad of [Uint8Array.of(1), Uint8Array.of(2), new Uint8Array(0), Uint8Array.of(1, 0, 0), odd(65), odd(2048)]) {
    assert.throws(() => read({ e: bad, n: good.n }), WireError)
  }
  for (const bad of [new Uint8Array(0), Uint8Array.of(4), odd(maximumRsaBits + 1), good.n.slice().fill(0, 255)]) {
    assert.throws(() => read({ e, n: bad }), WireError)
  }
})

test('bits are counted exactly', () => {
  for (const bits of [1023, 1024, 2047, 2048, 2049, 3072]) assert.equal(rsaKey.bits({ kind: 'rsa', e, n: odd(bits) }), bits)
})

test('keys below 2048 bits can be read, and are too weak to be used', () => {
  assert.equal(minimumRsaBits, 2048)
  assert.equal(tooWeak({ kind: 'rsa', e, n: odd(2048) }), undefined)
  assert.equal(tooWeak({ kind: 'rsa', e, n: odd(2047) }), 'has 2047 bits, and RSA keys need at least 2048')
  assert.equal(tooWeak({ kind: 'rsa', e, n: odd(1024) }, 1024), undefined)
  assert.equal(tooWeak({ kind: 'ed25519', publicKey: new Uint8Array(32) }), undefined)
})

test('a signature shorter than the modulus gets its zeros back, a longer one is refused', () => {
  const numbers = { kind: 'rsa', e, n: odd(2048) } as const
  for (const row of [rsaSha512, rsaSha256, insecureSshRsa]) {
    const short = row.decodeSignature(new Uint8Array(254).fill(6), numbers)
    assert.deepEqual(short, new Uint8Array(256).fill(6, 2))
    assert.equal(row.decodeSignature(new Uint8Array(256).fill(6), numbers).length, 256)
    for (const size of [0, 257, 512]) assert.throws(() => row.decodeSignature(new Uint8Array(size), numbers), WireError)
    assert.throws(() => row.decodeSignature(new Uint8Array(64), { kind: 'ed25519', publicKey: new Uint8Array(32) }), WireError)
  }
})

test('private numbers that do not belong together are refused', () => {
  const numbers = privateKey('rsa2048').revealNumbers()
  assert.ok(numbers.kind === 'rsa')
  const read = (value: typeof numbers) => decode(rsaKey.privateFields, encode(rsaKey.privateFields, value))
  assert.deepEqual(read(numbers), numbers)
  const other = (value: Uint8Array): Uint8Array => {
    const changed = value.slice()
    changed[changed.length - 1] ^= 2
    return changed
  }
  for (const field of ['n', 'p', 'q', 'iqmp'] as const)
    assert.throws(() => read({ ...numbers, [field]: other(numbers[field]) }), WireError, field)
  assert.throws(() => read({ ...numbers, p: Uint8Array.of(1), q: numbers.n }), WireError)
  assert.throws(() => read({ ...numbers, d: new Uint8Array(0) }), WireError)
})

// PKCS#8: written as OpenSSL does, what an encrypted file may ask for, and what costs too much.
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { test } from 'node:test'
import { bitString, integer, octetString, privateKeyInfo, sequence } from '../../../src/crypto/der.ts'
import { fromBig } from '../../../src/crypto/magnitude.ts'
import { nothing, objectName } from '../../../src/keys/formats/der.ts'
import { loadPrivateKey, readPrivateKey, writePrivateKey } from '../../../src/keys/private-file.ts'
import { crypto, passphrase, privateKey } from '../fixtures.ts'
import { fileOf } from '../key-files.ts'
import { isNode } from '../../runtime.ts'

const names = ['ed25519', 'rsa2048', 'ecdsa256', 'ecdsa384', 'ecdsa521']
const pem = (label: string, bytes: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`
const number = (value: number): Uint8Array => integer(fromBig(BigInt(value)))

test('an open file is what OpenSSL writes, to the byte', async () => {
  for (const name of names)
    assert.equal(await writePrivateKey(crypto, privateKey(name), { format: 'pkcs8' }), fileOf('openssl', name, 'pkcs8'), name)
})

test('OpenSSL opens what we encrypt', { skip: !isNode }, async () => {
  for (const name of names) {
    const key = await writePrivateKey(crypto, privateKey(name), { format: 'pkcs8', passphrase, rounds: 3 })
    const opened = createPrivateKey({ key, passphrase }).export({ format: 'pem', type: 'pkcs8' })
    assert.equal(opened, fileOf('openssl', name, 'pkcs8'), name)
  }
})

interface Pieces {
  readonly scheme?: string
  readonly kdf?: string
  readonly costs?: readonly Uint8Array[]
  readonly cipher?: string
  readonly iv?: number
  readonly sealed?: number
  readonly rest?: readonly Uint8Array[]
}
const pbkdf2 = '1.2.840.113549.1.5.12'
const scrypt = '1.3.6.1.4.1.11591.4.11'
const salt = octetString(new Uint8Array(8))

/** An encrypted file of such pieces. */
const file = ({ scheme = '1.2.840.113549.1.5.13', kdf = pbkdf2, costs = [salt, number(1)], ...others }: Pieces): string => {
  const { cipher = '2.16.840.1.101.3.4.1.42', iv = 16, sealed = 48, rest = [] } = others
  const how = sequence(
    objectName(scheme),
    sequence(sequence(objectName(kdf), sequence(...costs)), sequence(objectName(cipher), octetString(new Uint8Array(iv)))),
  )
  return pem('ENCRYPTED PRIVATE KEY', sequence(how, octetString(new Uint8Array(sealed)), ...rest))
}

test('what is not supported or not possible is said before a passphrase is asked for', async () => {
  const prf = (name: string): Uint8Array => sequence(objectName(name), nothing)
  const refused: readonly [Pieces, string, RegExp][] = [
    [{ scheme: '1.2.840.113549.1.5.3' }, 'KEY_UNSUPPORTED', /encrypted in a way \(1\.2\.840\.113549\.1\.5\.3\).*openssl pkcs8/],
    [{ kdf: '1.2.3.4' }, 'KEY_UNSUPPORTED', /makes its key in a way \(1\.2\.3\.4\)/],
    [{ cipher: '1.2.3.4' }, 'KEY_UNSUPPORTED', /with a cipher \(1\.2\.3\.4\)/],
    [{ costs: [salt, number(1), prf('1.2.3.4')] }, 'KEY_UNSUPPORTED', /a function \(1\.2\.3\.4\)/],
    [{ costs: [salt, number(0)] }, 'KEY_MALFORMED', /no iterations/],
    [{ costs: [salt, number(1), number(16)] }, 'KEY_MALFORMED', /another length than its cipher/],
    [{ costs: [salt, number(10_000_001)] }, 'KEY_UNSUPPORTED', /over 10000000 iterations/],
    [{ costs: [salt, integer(new Uint8Array(100).fill(7))] }, 'KEY_UNSUPPORTED', /over 10000000 iterations/],
    [{ costs: [octetString(new Uint8Array(1025)), number(1)] }, 'KEY_UNSUPPORTED', /salt of 1025 bytes/],
    [{ kdf: scrypt, costs: [salt, number(3), number(8), number(1)] }, 'KEY_MALFORMED', /scrypt has a cost/],
    [{ kdf: scrypt, costs: [salt, number(1), number(8), number(1)] }, 'KEY_MALFORMED', /scrypt has a cost/],
    [{ kdf: scrypt, costs: [salt, number(2), number(0), number(1)] }, 'KEY_MALFORMED', /scrypt has a cost/],
    [{ kdf: scrypt, costs: [salt, number(1 << 20), number(8), number(1)] }, 'KEY_UNSUPPORTED', /1024 MiB of memory/],
    [{ kdf: scrypt, costs: [salt, number(1 << 19), number(8), number(9)] }, 'KEY_UNSUPPORTED', /too high a cost/],
    [{ kdf: scrypt, costs: [salt, number(16), number(8), number(65)] }, 'KEY_UNSUPPORTED', /too high a cost/],
    [{ kdf: scrypt, costs: [salt, number(2 ** 40), number(8), number(1)] }, 'KEY_UNSUPPORTED', /too high a cost/],
    [{ iv: 8 }, 'KEY_MALFORMED', /first vector/],
    [{ sealed: 47 }, 'KEY_MALFORMED', /a length that its cipher cannot make/],
    [{ sealed: 0 }, 'KEY_MALFORMED', /a length that its cipher cannot make/],
    [{ rest: [nothing] }, 'KEY_MALFORMED', /left over/],
  ]
  for (const [pieces, code, message] of refused) {
    const loading = loadPrivateKey(crypto, file(pieces), { passphrase: () => assert.fail('it asked for a passphrase') })
    await assert.rejects(loading, { code, message, format: 'encrypted PKCS#8' }, JSON.stringify(pieces))
  }
  await assert.rejects(loadPrivateKey(crypto, file({}), { passphrase }), { code: 'KEY_PASSPHRASE_WRONG' })
})

test('whatever wrong passphrases decrypt to, they are said to be wrong', async () => {
  const text = await writePrivateKey(crypto, privateKey('ed25519'), { format: 'pkcs8', passphrase, rounds: 1 })
  for (let i = 0; i < 1500; i++)
    await assert.rejects(loadPrivateKey(crypto, text, { passphrase: `wrong ${i}` }), { code: 'KEY_PASSPHRASE_WRONG' }, `wrong ${i}`)
})

const ed25519 = [objectName('1.3.101.112')]

test('version 2 with the public half: it must belong to the private one', () => {
  const key = privateKey('ed25519')
  const numbers = key.revealNumbers()
  assert.ok(numbers.kind === 'ed25519')
  const withPublic = (publicKey: Uint8Array): string => {
    const bits = bitString(publicKey)
    bits[0] = 0x81
    return pem('PRIVATE KEY', sequence(integer(Uint8Array.of(1)), sequence(...ed25519), octetString(octetString(numbers.seed)), bits))
  }
  assert.deepEqual(readPrivateKey(crypto, withPublic(numbers.publicKey)).revealNumbers(), numbers)
  assert.throws(() => readPrivateKey(crypto, withPublic(numbers.seed)), { code: 'KEY_MALFORMED', message: /different keys/ })
})

const dsa = (p: Uint8Array): readonly Uint8Array[] => [
  objectName('1.2.840.10040.4.1'),
  sequence(integer(p), integer(new Uint8Array(20).fill(0x55)), integer(Uint8Array.of(2))),
]

test('keys that SSH has no type for, and damage', () => {
  const refused: readonly [Uint8Array, RegExp][] = [
    [
      privateKeyInfo([objectName('1.3.101.110')], octetString(new Uint8Array(34))),
      /algorithm 1\.3\.101\.110, which SSH has no key type for/,
    ],
    [privateKeyInfo(ed25519, octetString(new Uint8Array(31))), /Ed25519 key of 31 bytes/],
    [sequence(integer(Uint8Array.of(2)), sequence(...ed25519), octetString(octetString(new Uint8Array(32)))), /version that is not known/],
    [privateKeyInfo(ed25519, sequence()), /not what belongs there/],
    [privateKeyInfo(dsa(new Uint8Array(385).fill(0x55)), integer(Uint8Array.of(3))), /DSA key of a size that is not used/],
    [privateKeyInfo(dsa(Uint8Array.of(7)), integer(new Uint8Array(21).fill(1))), /DSA key of a size that is not used/],
    [privateKeyInfo(dsa(Uint8Array.of(0)), integer(Uint8Array.of(3))), /DSA key of a size that is not used/],
  ]
  for (const [der, message] of refused)
    assert.throws(() => readPrivateKey(crypto, pem('PRIVATE KEY', der)), { code: 'KEY_MALFORMED', message })
})

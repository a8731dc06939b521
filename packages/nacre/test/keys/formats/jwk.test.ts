// JSON Web Keys: the same as Node's own, both ways, and what is no key of ours.
import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { readPrivateKey, readPublicPart, writePrivateKey } from '../../../src/keys/private-file.ts'
import { readPublicKeys, writePublicKey } from '../../../src/keys/public-file.ts'
import { crypto, privateKey, publicKey } from '../fixtures.ts'
import { fileOf } from '../key-files.ts'

const names = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048']
const theirs = (name: string): Record<string, unknown> => ({
  ...createPrivateKey(fileOf('openssl', name, 'pkcs8')).export({ format: 'jwk' }),
})

test('what we write is what Node writes, with a name for the comment', async () => {
  for (const name of names) {
    const text = await writePrivateKey(crypto, privateKey(name), { format: 'jwk' })
    assert.deepEqual(JSON.parse(text), { ...theirs(name), kid: `${name}@vectors` }, name)
    assert.deepEqual(JSON.parse(await writePrivateKey(crypto, privateKey(name), { format: 'jwk', comment: '' })), theirs(name))
    const half = createPublicKey(fileOf('openssl', name, 'pkcs8')).export({ format: 'jwk' })
    assert.deepEqual(JSON.parse(writePublicKey(publicKey(name).withComment(''), 'jwk')), half)
  }
})

test('what Node writes we read', () => {
  for (const name of names) {
    const text = JSON.stringify({ ...theirs(name), kid: 'mine', alg: 'whatever', use: 'sig' })
    const key = readPrivateKey(crypto, text)
    assert.deepEqual(key.revealNumbers(), privateKey(name).revealNumbers(), name)
    assert.equal(key.comment, 'mine')
    assert.ok(readPublicPart(text)?.equals(key.publicBlob))
    assert.ok(readPublicKeys(text)[0].equals(publicKey(name)))
  }
})

test('a set of keys is read for its public halves', () => {
  const keys = readPublicKeys(JSON.stringify({ keys: names.map(theirs) }))
  assert.deepEqual(
    keys.map(key => key.fingerprint()),
    names.map(name => publicKey(name).fingerprint()),
  )
})

test('what is no private key of ours is refused with the reason', () => {
  const ed25519 = theirs('ed25519')
  const ecdsa = theirs('ecdsa256')
  const rsa = theirs('rsa2048')
  const refused: readonly [unknown, string, RegExp][] = [
    ['{"kty":"OKP",', 'KEY_MALFORMED', /no JSON, or is cut off/],
    [{}, 'KEY_MALFORMED', /no JSON object with a "kty"/],
    [{ ...ed25519, d: undefined }, 'KEY_UNSUPPORTED', /public key only/],
    [{ ...ed25519, crv: 'X25519' }, 'KEY_UNSUPPORTED', /kind OKP X25519/],
    [{ ...ecdsa, crv: 'secp256k1' }, 'KEY_UNSUPPORTED', /kind EC secp256k1/],
    [{ kty: 'oct', k: 'AAAA', d: 'AAAA' }, 'KEY_UNSUPPORTED', /kind oct/],
    [{ ...ed25519, d: 'AAAA' }, 'KEY_MALFORMED', /Ed25519 key of 3 bytes/],
    [{ ...ed25519, x: ed25519['d'] }, 'KEY_MALFORMED', /different keys/],
    [{ ...ecdsa, x: ecdsa['y'] }, 'KEY_MALFORMED', /different keys/],
    [{ ...ecdsa, y: undefined }, 'KEY_MALFORMED', /its "y" is missing/],
    [{ ...ecdsa, x: `AAAA${'_'.repeat(44)}` }, 'KEY_MALFORMED', /too large|different/],
    [{ ...ecdsa, d: '%%' }, 'KEY_MALFORMED', /its "d" is not base64url/],
    [{ ...rsa, p: undefined }, 'KEY_UNSUPPORTED', /not exactly two factors/],
    [{ ...rsa, oth: [] }, 'KEY_UNSUPPORTED', /not exactly two factors/],
    [{ ...rsa, qi: rsa['q'] }, 'KEY_MALFORMED', /wrong coefficient/],
    [{ ...rsa, n: rsa['p'] }, 'KEY_MALFORMED', /factors do not make its modulus/],
  ]
  for (const [value, code, message] of refused) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    assert.throws(() => readPrivateKey(crypto, text), { code, message, format: 'JWK' }, text)
  }
})

test('what is damaged is refused without a word of the key, in what caused the error neither', () => {
  for (const name of names) {
    const fields = theirs(name)
    const d = String(fields['d'])
    const whole = JSON.stringify({ ...fields, d })
    const middle = whole.indexOf(d) + 20
    const damaged = [
      `${whole.slice(0, middle)}\n${whole.slice(middle)}`,
      `${whole.slice(0, middle)}"${whole.slice(middle)}`,
      whole.slice(0, middle),
      JSON.stringify({ ...fields, crv: d, kty: 'OKP' }),
      JSON.stringify({ ...fields, kty: d }),
    ]
    for (const text of damaged)
      for (const act of [() => readPrivateKey(crypto, text), () => readPublicKeys(text), () => readPublicPart(text)])
        assert.throws(act, error => {
          const shown = inspect(error, { depth: 10 })
          const pieces = Array.from({ length: d.length - 8 }, (_, at) => d.slice(at, at + 8))
          assert.deepEqual(
            pieces.filter(piece => shown.includes(piece)),
            [],
            shown,
          )
          return true
        })
  }
})

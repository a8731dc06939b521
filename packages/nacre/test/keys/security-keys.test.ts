// Keys that lie in a security key: what their signatures prove, as OpenSSH judges each, and what their files can be used for.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { webCrypto } from '../../src/crypto/web/provider.ts'
import { KeyFormatError } from '../../src/errors.ts'
import { writeOpensshPrivateKey } from '../../src/keys/formats/openssh.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import { readPrivateKey } from '../../src/keys/private-file.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { proveSignature } from '../../src/keys/verify.ts'
import { base64, crypto } from './fixtures.ts'
import { securityKeys, type StoredSignature } from './key-types.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const data = base64(securityKeys.data)
const keyNamed = (name: string) => {
  const stored = securityKeys.keys.find(each => each.name === name)
  assert.ok(stored)
  return { ...stored, key: parsePublicKeyLine(stored.public) }
}

const prove = (by: typeof crypto, { key, algorithm, signature }: StoredSignature, over = data) =>
  proveSignature(by, tables, { publicKey: keyNamed(key).key.blob, algorithm, data: over, signature: base64(signature) })

const hasBit = (flags: number, bit: number): boolean => (flags & bit) !== 0

for (const by of [nodeCrypto(), webCrypto()]) {
  describe(`with the ${by.name} provider`, () => {
    for (const vector of securityKeys.signatures) {
      test(`${vector.algorithm}, ${vector.about} (${vector.key}): ${vector.accepted ? 'right' : 'wrong'}`, () => {
        const proof = prove(by, vector)
        if (!vector.accepted) {
          assert.equal(proof, undefined)
          return
        }
        const { flags, counter, origin } = vector
        assert.ok(flags !== undefined)
        const expected = { flags, counter, origin, userPresent: hasBit(flags, 1), userVerified: hasBit(flags, 4) }
        assert.deepEqual(proof?.securityKey, expected)
      })
    }
  })
}

test('a right signature, again and again by the remembered key, is right for its data only', () => {
  for (const vector of securityKeys.signatures.filter(each => each.accepted)) {
    assert.ok(prove(crypto, vector))
    assert.ok(prove(crypto, vector))
    assert.equal(prove(crypto, vector, data.subarray(1)), undefined)
    assert.equal(prove(crypto, vector, Uint8Array.of(...data, 0)), undefined)
  }
})

test('no touched or cut signature of a token proves anything', () => {
  for (const algorithm of [
    'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa-sha2-nistp256@openssh.com',
    'webauthn-sk-ecdsa-sha2-nistp256@openssh.com',
  ]) {
    const vector = securityKeys.signatures.find(each => each.accepted && each.algorithm === algorithm)
    assert.ok(vector)
    const whole = base64(vector.signature)
    const publicKey = keyNamed(vector.key).key.blob
    const proves = (signature: Uint8Array) => proveSignature(crypto, tables, { publicKey, algorithm, data, signature }) !== undefined
    assert.ok(proves(whole))
    for (let at = 0; at < whole.length; at++) {
      const touched = whole.slice()
      touched[at] ^= 1
      assert.equal(proves(touched), false, `${algorithm}, byte ${at}`)
      assert.equal(proves(whole.subarray(0, at)), false, `${algorithm}, cut at ${at}`)
    }
  }
})

test('the files of such keys are read and written: application, flags and key handle, and no secret', () => {
  for (const { name, application, flags, file, public: line } of securityKeys.keys) {
    const key = readPrivateKey(crypto, file)
    assert.equal(`${key.publicKey.toString()}`, line)
    const numbers = key.revealNumbers()
    assert.ok(numbers.kind === 'sk-ed25519' || numbers.kind === 'sk-ecdsa')
    assert.equal(numbers.application, application)
    assert.equal(numbers.flags, flags)
    assert.equal(new TextDecoder().decode(numbers.keyHandle), `handle of ${name}`)
    assert.equal(numbers.reserved.length, 0)
    assert.deepEqual(readPrivateKey(crypto, writeOpensshPrivateKey(crypto, key)).revealNumbers(), numbers)
  }
})

test('such a file cannot sign here, and the message says who can', () => {
  for (const { file } of securityKeys.keys) {
    assert.throws(
      () => createSigner(crypto, readPrivateKey(crypto, file), 'id_ed25519_sk'),
      (error: unknown) => {
        assert.ok(error instanceof KeyFormatError)
        assert.equal(error.code, 'KEY_UNSUPPORTED')
        assert.equal(
          error.message,
          'The key of id_ed25519_sk lies in a security key, which cannot be used here. Load it into an agent that has the token, with ssh-add, and use that agent.',
        )
        return true
      },
    )
  }
})

// ssh-mldsa44-ed25519@openssh.com: OpenSSH's key and signature, ours in both providers, and that both halves must be right.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { webCrypto } from '../../src/crypto/web/provider.ts'
import { writeOpensshPrivateKey } from '../../src/keys/formats/openssh.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import { readPrivateKey } from '../../src/keys/private-file.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { bytes, decode, encode, fixed, struct, text, uint32 } from '../../src/wire/codec.ts'
import { base64, crypto } from './fixtures.ts'
import { keyTypeVector } from './key-types.ts'

const name = 'ssh-mldsa44-ed25519@openssh.com'
const tables = { signatures: signatureAlgorithms, keyTypes }
const key = readPrivateKey(crypto, keyTypeVector('mldsa44-ed25519.key'))
const providers = [nodeCrypto(), webCrypto()]

const sshsig = struct({
  magic: fixed(6),
  version: uint32,
  publicKey: bytes,
  namespace: text,
  reserved: bytes,
  hash: text,
  signature: bytes,
})
const signedData = struct({ magic: fixed(6), namespace: text, reserved: bytes, hash: text, digest: bytes })

const ofOpenssh = () => {
  const lines = keyTypeVector('mldsa44-ed25519.sig').split('\n')
  const file = decode(sshsig, base64(lines.filter(line => !line.startsWith('-----')).join('')))
  const digest = crypto.hash('sha512', new TextEncoder().encode('what is signed\n'))
  return { publicKey: file.publicKey, data: encode(signedData, { ...file, digest }), signature: file.signature }
}

test("OpenSSH's file is read, its public half is that of the .pub file, and what is written says the same", () => {
  assert.equal(key.type, name)
  assert.equal(`${key.publicKey.toString()}\n`, keyTypeVector('mldsa44-ed25519.pub'))
  assert.equal(parsePublicKeyLine(keyTypeVector('mldsa44-ed25519.pub')).bits, 256)
  assert.deepEqual(readPrivateKey(crypto, writeOpensshPrivateKey(crypto, key)).revealNumbers(), key.revealNumbers())
})

test("OpenSSH's signature is right in every provider, and another byte in either half is not", () => {
  const claim = { ...ofOpenssh(), algorithm: name }
  for (const by of providers) {
    assert.equal(verifySignature(by, tables, claim), true, by.name)
    // The name, the length, ML-DSA's half, Ed25519's half.
    for (const at of [10, 38, 60, 2000, claim.signature.length - 64, claim.signature.length - 1]) {
      const signature = claim.signature.slice()
      signature[at] ^= 1
      assert.equal(verifySignature(by, tables, { ...claim, signature }), false, `${by.name}, byte ${at}`)
    }
    assert.equal(verifySignature(by, tables, { ...claim, data: claim.data.subarray(1) }), false)
    assert.equal(verifySignature(by, tables, { ...claim, signature: Uint8Array.of(...claim.signature, 0) }), false)
  }
})

test('what one provider signs the others verify', async () => {
  const data = Uint8Array.of(1, 2, 3)
  for (const signs of providers) {
    const signer = createSigner(signs, key, 'test')
    assert.deepEqual(signer.algorithms, [name])
    const signature = await signer.sign(data, name)
    for (const by of providers)
      assert.equal(verifySignature(by, tables, { publicKey: key.publicBlob, algorithm: name, data, signature }), true)
  }
})

test('it is offered on request only', () => {
  assert.equal(signatureAlgorithms.find(row => row.name === name)?.standing, 'offered-on-request')
})

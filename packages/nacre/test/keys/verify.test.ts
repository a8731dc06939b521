// Signatures made by OpenSSH, and everything that must not pass for one.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { bytes, decode, encode, fixed, struct, text, uint32 } from '../../src/wire/codec.ts'
import { base64, crypto, privateKey, publicKey, signatureVectors, vector } from './fixtures.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const blob = struct({ algorithm: text, signature: bytes })

const verify = (key: string, algorithm: string, data: Uint8Array, signature: Uint8Array): boolean =>
  verifySignature(crypto, tables, { publicKey: publicKey(key).blob, algorithm, data, signature })

test("the agent's signatures are right, with every algorithm", () => {
  const seen = new Set<string>()
  for (const { key, algorithm, data, signature } of signatureVectors()) {
    assert.equal(verify(key, algorithm, data, signature), true, `${algorithm} over ${new TextDecoder().decode(data)}`)
    seen.add(algorithm)
  }
  // Security keys and ML-DSA have vectors of their own.
  const ordinary = signatureAlgorithms.map(row => row.name).filter(name => !name.endsWith('@openssh.com'))
  assert.deepEqual([...seen].sort(), ordinary.sort())
})

/** OpenSSH's PROTOCOL.sshsig: what `ssh-keygen -Y sign` writes, and what it signs. */
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

test('the signatures of ssh-keygen -Y sign are right', () => {
  for (const name of ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048']) {
    const lines = vector(`${name}.sig`).split('\n')
    const file = decode(sshsig, base64(lines.filter(line => !line.startsWith('-----')).join('')))
    assert.ok(publicKey(name).equals(file.publicKey))
    const digest = createHash(file.hash).update(vector('message.txt')).digest()
    const { algorithm } = decode(blob, file.signature)
    assert.equal(verify(name, algorithm, encode(signedData, { ...file, digest }), file.signature), true, name)
  }
})

test('another byte of data or signature, and nothing is proven', () => {
  const once = new Map(signatureVectors().map(each => [each.algorithm, each]))
  for (const { key, algorithm, data, signature } of once.values()) {
    const otherData = data.slice()
    otherData[0] ^= 1
    assert.equal(verify(key, algorithm, otherData, signature), false, algorithm)
    for (const at of [0, 4, 10, signature.length - 1]) {
      const other = signature.slice()
      other[at] ^= 1
      assert.equal(verify(key, algorithm, data, other), false, `${algorithm}, byte ${at}`)
    }
    for (const length of [0, 3, 4, 20, signature.length - 1])
      assert.equal(verify(key, algorithm, data, signature.subarray(0, length)), false)
    assert.equal(verify(key, algorithm, data, Uint8Array.of(...signature, 0)), false)
  }
})

test('the algorithm in the blob must be the one that was agreed on', () => {
  const sha512 = signatureVectors().find(each => each.algorithm === 'rsa-sha2-512')
  const sha1 = signatureVectors().find(each => each.algorithm === 'ssh-rsa')
  assert.ok(sha512 && sha1)
  for (const algorithm of ['rsa-sha2-256', 'ssh-rsa', 'ssh-ed25519'])
    assert.equal(verify('rsa2048', algorithm, sha512.data, sha512.signature), false)
  assert.equal(verify('rsa2048', 'rsa-sha2-512', sha1.data, sha1.signature), false)
  const renamed = encode(blob, { algorithm: 'rsa-sha2-512', signature: decode(blob, sha1.signature).signature })
  assert.equal(verify('rsa2048', 'rsa-sha2-512', sha1.data, renamed), false)
})

test('the key must be of the type the algorithm is for', () => {
  const { data, signature } = signatureVectors()[0]
  for (const key of ['ecdsa256', 'rsa2048', 'dsa']) assert.equal(verify(key, 'ssh-ed25519', data, signature), false)
})

test('an algorithm that is not in the table proves nothing', () => {
  const { data, signature } = signatureVectors()[0]
  const claim = { publicKey: publicKey('ed25519').blob, algorithm: 'ssh-ed25519', data, signature }
  assert.equal(verifySignature(crypto, { signatures: [], keyTypes }, claim), false)
  assert.equal(verifySignature(crypto, { signatures: signatureAlgorithms, keyTypes: [] }, claim), false)
})

test('a key that is no key proves nothing and throws nothing', () => {
  const { data, signature } = signatureVectors()[0]
  for (const bad of [new Uint8Array(0), new Uint8Array(51), publicKey('ed25519').blob.subarray(0, 50)]) {
    assert.equal(verifySignature(crypto, tables, { publicKey: bad, algorithm: 'ssh-ed25519', data, signature }), false)
  }
})

test('a point that is not on the curve proves nothing and throws nothing', () => {
  const vectorOf256 = signatureVectors().find(each => each.algorithm === 'ecdsa-sha2-nistp256')
  assert.ok(vectorOf256)
  const bad = publicKey('ecdsa256').blob.slice()
  bad[bad.length - 1] ^= 1
  assert.equal(verifySignature(crypto, tables, { ...vectorOf256, publicKey: bad }), false)
})

test('RSA below 2048 bits proves nothing, unless a lower floor is asked for', async () => {
  const key = privateKey('rsa1024')
  const data = Uint8Array.of(1, 2, 3)
  const numbers = key.revealNumbers()
  assert.ok(numbers.kind === 'rsa')
  const raw = await crypto.signingKey(numbers).sign('sha512', data)
  const claim = {
    publicKey: key.publicBlob,
    algorithm: 'rsa-sha2-512',
    data,
    signature: encode(blob, { algorithm: 'rsa-sha2-512', signature: raw }),
  }
  assert.equal(verifySignature(crypto, tables, claim), false)
  assert.equal(verifySignature(crypto, tables, { ...claim, minimumRsaBits: 1024 }), true)
})

test('a key that is remembered proves nothing by that: not with another signature, another algorithm, or below a higher floor', () => {
  const all = signatureVectors()
  // More keys than are remembered come in between.
  for (let turn = 0; turn < 3; turn++)
    for (const { key, algorithm, data, signature } of all) assert.equal(verify(key, algorithm, data, signature), true, algorithm)
  for (const { key, algorithm, data, signature } of all) {
    assert.equal(verify(key, algorithm, Uint8Array.from([...data, 0]), signature), false, algorithm)
    const other = all.find(each => each.key !== key)
    assert.ok(other)
    assert.equal(verify(other.key, algorithm, data, signature), false, `${algorithm} with another key`)
    assert.equal(verify(key, other.algorithm, data, signature), false, `${algorithm} under another name`)
    const claim = { publicKey: publicKey(key).blob, algorithm, data, signature }
    const rsa = publicKey(key).type === 'ssh-rsa'
    assert.equal(verifySignature(crypto, tables, { ...claim, minimumRsaBits: 16384 }), !rsa, `${algorithm} below the floor`)
    assert.equal(verifySignature(crypto, { ...tables, keyTypes: [] }, claim), false, `${algorithm} of a type that is switched off`)
  }
})

// Reading certificates: every field of those that ssh-keygen made, and what is no certificate.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { certificateTypeOf, forever, isCertificateType, parseCertificate, plainTypeOf } from '../../src/keys/certificate.ts'
import { parsePublicKey, parsePublicKeyLine } from '../../src/keys/public.ts'
import { encode, text } from '../../src/wire/codec.ts'
import { Writer } from '../../src/wire/writer.ts'
import { blobOf, certificateVector, certificateVectors, issue } from './certificates.ts'
import { publicKey } from './fixtures.ts'

describe('names', () => {
  for (const { name } of [...keyTypes, ...signatureAlgorithms])
    test(`${name} has one with certificates, and back`, () => {
      const certified = certificateTypeOf(name)
      assert.match(certified, /^[^@]+-cert-v01@openssh\.com$/)
      assert.equal(isCertificateType(certified), true)
      assert.equal(isCertificateType(name), false)
      assert.equal(plainTypeOf(certified), name)
      assert.equal(plainTypeOf(name), name)
      assert.equal(certificateTypeOf(certified), certified)
    })
})

describe('certificates of ssh-keygen', () => {
  for (const vector of certificateVectors.filter(each => each.key !== 'DSA' && each.key !== 'dsa')) {
    test(`${vector.name}: the key, the authority, and the bytes`, () => {
      const blob = blobOf(vector)
      const certificate = parseCertificate(blob)
      if (!vector.key.startsWith('sk-')) assert.ok(certificate.key.equals(publicKey(vector.key)))
      assert.equal(certificate.key.type, plainTypeOf(certificate.type))
      assert.ok(certificate.signatureKey.equals(publicKey(vector.ca)))
      assert.equal(certificate.keyId, `id of ${vector.name}`)
      assert.deepEqual(certificate.blob, blob)
      assert.notEqual(certificate.blob.buffer, blob.buffer, 'it has bytes of its own')
      assert.equal(certificate.nonce.length, 32)
    })
  }

  test('all fields', () => {
    const limits = certificateVector('limits')
    assert.equal(limits.kind, 'user')
    assert.equal(limits.serial, 7n)
    assert.deepEqual(limits.principals, ['ada', 'grace'])
    assert.equal(limits.validAfter, 1577836800n)
    assert.equal(limits.validBefore, 2208988800n)
    assert.deepEqual(
      limits.criticalOptions.map(each => each.name),
      ['force-command', 'source-address', 'verify-required'],
    )
    assert.deepEqual(limits.criticalOptions[0].data, encode(text, '/bin/echo "forced"'))
    assert.deepEqual(
      limits.extensions.map(each => each.name),
      ['no-touch-required', 'permit-agent-forwarding', 'permit-port-forwarding', 'permit-user-rc'],
    )
    assert.equal(certificateVector('by SHA-1').signatureAlgorithm, 'ssh-rsa')
    assert.equal(certificateVector('largest serial').serial, 0xffffffffffffffffn)
    const host = certificateVector('host')
    assert.equal(host.kind, 'host')
    assert.deepEqual(host.principals, ['host.example', '*.lab.example'])
    assert.deepEqual([host.validAfter, host.validBefore], [0n, forever])
  })

  test('as a public key it has the size and the fingerprint of the key in it', () => {
    for (const name of ['ed25519 by rsa2048', 'rsa2048 by ed25519']) {
      const certificate = certificateVector(name)
      const shown = parsePublicKey(certificate.blob)
      assert.equal(shown.type, certificate.type)
      assert.equal(shown.bits, certificate.key.bits)
      for (const hash of ['sha256', 'sha1', 'md5'] as const) assert.equal(shown.fingerprint(hash), certificate.key.fingerprint(hash))
      assert.equal(shown.withComment('here').fingerprint(), certificate.key.fingerprint())
      assert.equal(shown.equals(certificate.key), false)
    }
  })
})

describe('what is no certificate', () => {
  const whole = certificateVector('ed25519 by ed25519')

  test('a plain key', () => assert.throws(() => parseCertificate(publicKey('ed25519').blob), { code: 'WIRE', message: /no certificate/ }))

  test('a certificate that is cut anywhere, or goes on', () => {
    for (let length = 0; length < whole.blob.length; length++)
      assert.throws(() => parseCertificate(whole.blob.subarray(0, length)), { code: 'WIRE' }, `${length} bytes`)
    assert.throws(() => parseCertificate(Uint8Array.of(...whole.blob, 0)), { code: 'WIRE' })
  })

  test('one of DSA, which is broken', () => {
    const { line } = certificateVectors.find(each => each.key === 'dsa') ?? assert.fail()
    assert.throws(() => parseCertificate(parsePublicKeyLine(line).blob), { code: 'KEY_UNSUPPORTED', message: /DSA is broken/ })
  })

  test('one of a key of a kind nobody knows', () => {
    const writer = new Writer()
    writer.text('ssh-new\u202e-cert-v01@openssh.com')
    writer.string(new Uint8Array(32))
    assert.throws(() => parseCertificate(writer.written()), { code: 'KEY_UNSUPPORTED', message: /ssh-new\\u\{202e\}-cert/ })
  })

  /** The same certificate with `change` at the bytes of its body; the signature is wrong then, which is not looked at here. */
  const changed = (from: Uint8Array, to: Uint8Array): Uint8Array => {
    const at = whole.blob.findIndex((_, i) => from.every((byte, j) => whole.blob[i + j] === byte))
    assert.ok(at > 0)
    const blob = whole.blob.slice()
    blob.set(to, at)
    return blob
  }

  test('one that is neither of a user nor of a host', () => {
    const kind = (number: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, number)
    for (const number of [0, 3])
      assert.throws(() => parseCertificate(changed(kind(1), kind(number))), { message: /neither user \(1\) nor host \(2\)/ })
  })

  test('one with a zero byte in a name', () => {
    const ada = (middle: number): Uint8Array => Uint8Array.of(0, 0, 0, 3, 0x61, middle, 0x61)
    assert.throws(() => parseCertificate(changed(ada(0x64), ada(0))), { message: /principal with a zero byte/ })
  })

  test('one that was signed by a certificate', async () => {
    const authority = await issue()
    const { signatureKey } = whole
    const writer = new Writer()
    const before = whole.signed.subarray(0, whole.signed.length - signatureKey.blob.length - 4)
    writer.fixed(before)
    writer.string(authority.blob)
    writer.string(whole.signature)
    assert.throws(() => parseCertificate(writer.written()), { message: /signed by a certificate/ })
  })

  test('one with more principals than OpenSSH reads', async () => {
    const names = Array.from({ length: 256 }, (_, i) => `user${i}`)
    assert.equal((await issue({ principals: names })).principals.length, 256)
    await assert.rejects(issue({ principals: [...names, 'more'] }), TypeError)
  })
})

// The verdict on certificates: what is valid, every reason to refuse with its words, and what holds of those accepted.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Certificate, parseCertificate, plainTypeOf } from '../../src/keys/certificate.ts'
import {
  authorityAlgorithms,
  type CertificateDemands,
  type CertificateRefusalReason,
  checkAuthority,
  checkCertificate,
  usualAuthorityAlgorithms,
} from '../../src/keys/certificate-check.ts'
import { certificateVector, certificateVectors, inTime, issue, signerOf } from './certificates.ts'
import { crypto, publicKey } from './fixtures.ts'

const forAda: CertificateDemands = { kind: 'user', name: 'ada', time: inTime }
const check = (certificate: Certificate, changes: Partial<CertificateDemands> = {}) =>
  checkCertificate(crypto, certificate, { ...forAda, ...changes })

const refuses = (
  certificate: Certificate,
  reason: CertificateRefusalReason,
  words: RegExp,
  changes: Partial<CertificateDemands> = {},
): void => {
  const verdict = check(certificate, changes)
  assert.equal(verdict.is, 'refused')
  assert.equal(verdict.is === 'refused' && verdict.reason, reason)
  if (verdict.is === 'refused') assert.match(verdict.message, words)
}

describe('certificates of ssh-keygen are valid', () => {
  for (const { name } of certificateVectors.filter(
    each => / by (ed25519|ecdsa256|rsa2048)$/.test(each.name) || each.name.startsWith('sk-'),
  ))
    test(name, () => {
      const certificate = certificateVector(name)
      const verdict = check(certificate)
      assert.equal(verdict.is, 'valid', verdict.is === 'refused' ? verdict.message : '')
      assert.equal(verdict.is === 'valid' && verdict.limits?.options.may.pty, true)
      assert.equal(check(certificate, { name: ['nobody', 'grace'] }).is, 'valid')
    })
  test('of a host, whose names have wildcards', () => {
    const host = certificateVector('host')
    for (const name of ['host.example', 'a.lab.example', 'a.b.lab.example'])
      assert.deepEqual(check(host, { kind: 'host', name }), { is: 'valid', limits: undefined })
  })
  test('by SHA-256', () => assert.equal(check(certificateVector('by SHA-256')).is, 'valid'))
})

describe('a certificate is refused', () => {
  const usual = certificateVector('ed25519 by ed25519')
  const { fingerprint } = { fingerprint: publicKey('ed25519').fingerprint() }

  test('when it is of the other kind', () => {
    refuses(certificateVector('host'), 'wrong-kind', /is that of a host, and a user needs one/, { name: 'host.example' })
    refuses(usual, 'wrong-kind', /is that of a user, and a host needs one/, { kind: 'host' })
  })

  test('before its time, with the time', () => {
    refuses(certificateVector('after'), 'not-yet-valid', /is not valid before 2039-01-01T00:00:00Z; it is 2026-01-01T00:00:00Z here/)
    assert.equal(check(certificateVector('after'), { time: Date.UTC(2039, 0, 1) }).is, 'valid', 'its first second counts')
  })

  test('after its time, since when', () => {
    refuses(certificateVector('before'), 'expired', /expired at 2021-01-01T00:00:00Z; it is 2026-01-01T00:00:00Z here/)
    refuses(certificateVector('before'), 'expired', /expired/, { time: Date.UTC(2021, 0, 1) })
    assert.equal(check(certificateVector('before'), { time: Date.UTC(2021, 0, 1) - 1 }).is, 'valid', 'the second before is its last')
  })

  test('for another name, with those it is for', () => {
    refuses(usual, 'wrong-principal', /is for "ada", "grace", not for "alan"/, { name: 'alan' })
    refuses(usual, 'wrong-principal', /not for anybody here/, { name: [] })
    refuses(usual, 'wrong-principal', /not for "Ada"/, { name: 'Ada' })
  })

  test('for a user whom only a wildcard would fit', async () => {
    const wild = await issue({ principals: ['*', 'a?a'] })
    refuses(wild, 'wrong-principal', /is for "\*", "a\?a"/)
    assert.equal(check(wild, { wildcards: true }).is, 'valid')
  })

  test('without principals: it is for nobody, whoever compares names', () => {
    refuses(certificateVector('no principals'), 'no-principals', /lists no principals, so it is for no user/)
    refuses(certificateVector('no principals'), 'no-principals', /no principals/, { name: undefined })
  })

  test('with a critical option that is not known, by its name', () =>
    refuses(
      certificateVector('unknown critical option'),
      'critical-option',
      /critical option "only-on-sundays@example\.org", which is not known/,
    ))

  test('with a critical option, when it is of a host', async () => {
    const host = await issue({ kind: 'host', principals: ['h'], criticalOptions: { 'force-command': 'x' } })
    refuses(host, 'critical-option', /"force-command", and certificates of hosts may have none/, { kind: 'host', name: 'h' })
  })

  test('from another address than it may come from, and from none', () => {
    const limits = certificateVector('limits')
    refuses(limits, 'source-address', /only be used from "192\.0\.2\.0\/24", "2001:db8::\/32", not from 198\.51\.100\.1/, {
      address: '198.51.100.1',
    })
    refuses(limits, 'source-address', /not from an address nobody knows/)
    for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1']) assert.equal(check(limits, { address }).is, 'valid', address)
  })

  test('signed with SHA-1, with the way out', () =>
    refuses(certificateVector('by SHA-1'), 'signature-algorithm', /is signed with ssh-rsa, which no authority may use here .*ssh-keygen/))

  test('signed with SHA-1 is taken only when somebody says so', () => {
    assert.equal(check(certificateVector('by SHA-1'), { signatureAlgorithms: ['ssh-rsa'] }).is, 'valid')
    refuses(usual, 'signature-algorithm', /is signed with ssh-ed25519/, { signatureAlgorithms: ['ssh-rsa'] })
  })

  test('by an authority of 1024 bits', () => {
    refuses(certificateVector('by 1024 bits'), 'authority-too-weak', /has 1024 bits, and RSA keys need at least 2048/)
    assert.equal(check(certificateVector('by 1024 bits'), { minimumRsaBits: 1024 }).is, 'valid')
  })

  test('when any bit of it was changed', () => {
    let read = 0
    for (let at = 0; at < usual.signed.length; at++) {
      const blob = usual.blob.slice()
      blob[at] ^= 1
      let altered: Certificate
      try {
        altered = parseCertificate(blob)
      } catch {
        continue
      }
      read++
      assert.equal(check(altered, { name: undefined }).is, 'refused', `byte ${at}`)
    }
    assert.ok(read > 100, `${read} of ${usual.signed.length}`)
  })

  test('signed by another than it says', async () => {
    const forged = await issue({ signer: { ...signerOf('ecdsa256'), publicKey: publicKey('ecdsa384') }, algorithm: 'ecdsa-sha2-nistp256' })
    refuses(forged, 'signature-wrong', /was not signed by that authority/)
  })

  test('names itself, its number and its authority, and nothing a terminal would obey', async () => {
    const rude = await issue({ keyId: 'red\x1b[31m\u202e', principals: ['\x1b]0;x\x07'], serial: 9n })
    const verdict = check(rude)
    assert.ok(verdict.is === 'refused')
    assert.ok(
      verdict.message.startsWith(
        `The certificate "red\\x1b[31m\\u{202e}" (serial 9) by the authority ssh-ed25519 ${fingerprint} is for "\\x1b]0;x\\x07"`,
      ),
      verdict.message,
    )
  })
})

describe('of what is wrong in several ways', () => {
  test('the signature is looked at before anything it covers', async () => {
    const forged = await issue({
      signer: { ...signerOf('ecdsa256'), publicKey: publicKey('ecdsa384') },
      algorithm: 'ecdsa-sha2-nistp256',
      validBefore: 1600000000n,
    })
    refuses(forged, 'signature-wrong', /./, { name: 'other' })
  })
})

describe('checkAuthority', () => {
  test('leaves critical options to whoever uses the certificate', () => {
    assert.equal(checkAuthority(crypto, certificateVector('unknown critical option'), forAda), undefined)
    assert.equal(checkAuthority(crypto, certificateVector('limits'), forAda), undefined)
    assert.equal(checkAuthority(crypto, certificateVector('before'), forAda)?.reason, 'expired')
  })
})

describe('the algorithms of authorities', () => {
  test('are by default all but the insecure ones, and none of certificates', () => {
    assert.ok(usualAuthorityAlgorithms.includes('ssh-ed25519') && usualAuthorityAlgorithms.includes('rsa-sha2-256'))
    for (const name of ['ssh-rsa', 'ssh-dss']) assert.equal(usualAuthorityAlgorithms.includes(name), false)
    assert.ok(usualAuthorityAlgorithms.every(name => plainTypeOf(name) === name))
  })
  test('can be chosen in OpenSSH’s notation', () => {
    assert.deepEqual(authorityAlgorithms('rsa-sha2-512,ssh-ed25519'), ['rsa-sha2-512', 'ssh-ed25519'])
    assert.ok(!authorityAlgorithms('-ecdsa*').some(name => name.startsWith('ecdsa')))
    assert.throws(() => authorityAlgorithms('rot13'), { code: 'CONFIG', message: /"rot13" is not a CA signature algorithm/ })
  })
})

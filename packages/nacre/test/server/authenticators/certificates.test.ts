// The authenticator for certificates: whom an authority vouches for, within which limits, and that nothing else is let in.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SecurityKeyProof } from '../../../src/algorithms/rows.ts'
import type { Certificate } from '../../../src/keys/certificate.ts'
import { parseKeyOptions } from '../../../src/keys/key-options.ts'
import { allOf, firstOf } from '../../../src/server/authenticators/combine.ts'
import {
  type CertifiedLogin,
  trustedCertificates,
  type TrustedCertificatesOptions,
} from '../../../src/server/authenticators/certificates.ts'
import { publicKey } from '../../../src/server/authenticators/public-key.ts'
import { certificateVector, issue, signerOf } from '../../keys/certificates.ts'
import { crypto, publicKey as vectorKey } from '../../keys/fixtures.ts'
import { keyWouldDo, letIn, login, mine, refused } from '../login.ts'

const authority = vectorKey('ed25519')
const trusting = (changes: Partial<TrustedCertificatesOptions> = {}) =>
  trustedCertificates(crypto, { authorities: [authority], ...changes })

/** As it comes from the method, which has verified a signature when `proven`. */
const attemptBy = (certificate: Certificate, proven: boolean, securityKey?: SecurityKeyProof) => ({
  method: 'publickey' as const,
  algorithm: certificate.type,
  publicKey: certificate.blob,
  fingerprint: certificate.key.fingerprint(),
  proven,
  securityKey,
})
const verdict = async (certificate: Certificate, changes: Partial<TrustedCertificatesOptions> = {}, address = '192.0.2.1', user = 'ada') =>
  login(trusting(changes), { address }).ask(attemptBy(certificate, true), user)
const loginOf = async (
  certificate: Certificate,
  changes: Partial<TrustedCertificatesOptions> = {},
  address?: string,
): Promise<CertifiedLogin> => {
  const answer = await verdict(certificate, changes, address)
  assert.ok(answer.is === 'accept')
  return answer.identity as CertifiedLogin
}

describe('a certificate of a trusted authority', () => {
  test('lets in whom it names; what is known of them comes from the proof', async () => {
    const certificate = await issue()
    const me = login(trusting())
    assert.deepEqual(await me.ask(attemptBy(certificate, false)), keyWouldDo)
    const answer = await me.ask(attemptBy(certificate, true))
    assert.ok(answer.is === 'accept')
    const identity = answer.identity as CertifiedLogin
    assert.deepEqual([identity.certificate.keyId, identity.certificate.serial, identity.limits.may.pty], ['test', 0n, true])
  })
  test('carries its limits', async () => {
    const certificate = await issue({
      criticalOptions: { 'force-command': 'ls', 'source-address': '192.0.2.0/24' },
      extensions: { 'permit-user-rc': true },
    })
    const { limits } = await loginOf(certificate)
    assert.equal(limits.command, 'ls')
    assert.deepEqual(limits.may, {
      pty: false,
      portForwarding: false,
      agentForwarding: false,
      x11Forwarding: false,
      userRc: true,
      tunnels: true,
    })
    assert.deepEqual(await verdict(certificate, {}, '198.51.100.1'), refused('publickey'))
  })
  test('has no more than the limits of the server beside its own', async () => {
    const limits = parseKeyOptions('command="ls",no-pty')
    assert.ok(typeof limits !== 'string')
    const both = await loginOf(await issue(), { limits })
    assert.deepEqual([both.limits.command, both.limits.may.pty, both.limits.may.userRc], ['ls', false, true])
    assert.deepEqual(await verdict(await issue({ criticalOptions: { 'force-command': 'id' } }), { limits }), refused('publickey'))
  })
  test('is for the names the server gives a user', async () => {
    const principals = async () => ['admins', 'staff']
    assert.equal((await verdict(await issue({ principals: ['staff'] }), { principals })).is, 'accept')
    assert.deepEqual(await verdict(await issue(), { principals }), refused('publickey'))
    assert.deepEqual(await verdict(await issue(), { principals: () => [] }), refused('publickey'))
  })
})

describe('nobody is let in by', () => {
  const refuses = async (certificate: Certificate, changes: Partial<TrustedCertificatesOptions> = {}): Promise<readonly string[]> => {
    const told: string[] = []
    const answer = await verdict(certificate, { onRefused: refusal => void told.push(refusal.reason), ...changes })
    assert.deepEqual(answer, refused('publickey'))
    return told
  }
  test('one of another authority, about which nothing is told', async () =>
    assert.deepEqual(await refuses(await issue({ signer: signerOf('ecdsa256') })), []))
  test('one for another user, one of a host, one that is over, one for nobody, one with SHA-1', async () => {
    assert.deepEqual(await refuses(await issue({ principals: ['grace'] })), ['wrong-principal'])
    assert.deepEqual(await refuses(await issue({ kind: 'host' })), ['wrong-kind'])
    assert.deepEqual(await refuses(certificateVector('before')), ['expired'])
    assert.deepEqual(await refuses(certificateVector('no principals')), ['no-principals'])
    assert.deepEqual(await refuses(certificateVector('unknown critical option')), ['critical-option'])
    assert.deepEqual(await refuses(certificateVector('by SHA-1'), { authorities: [vectorKey('rsa2048')] }), ['signature-algorithm'])
    assert.deepEqual(await refuses(certificateVector('by 1024 bits'), { authorities: [vectorKey('rsa1024')] }), ['authority-too-weak'])
  })
  test('one whose time has not come, or is over, by the clock of the server', async () => {
    const certificate = await issue({ validAfter: 1_000_000n, validBefore: 2_000_000n })
    assert.deepEqual(await refuses(certificate, { now: () => 999_999_999 }), ['not-yet-valid'])
    assert.equal((await verdict(certificate, { now: () => 1_000_000_000 })).is, 'accept')
    assert.deepEqual(await refuses(certificate, { now: () => 2_000_000_000 }), ['expired'])
  })
  test('one that was revoked', async () => {
    const revoked = async (certificate: Certificate) => certificate.serial === 13n
    assert.deepEqual(await refuses(await issue({ serial: 13n }), { revoked }), [])
    assert.equal((await verdict(await issue({ serial: 14n }), { revoked })).is, 'accept')
  })
  test('while no authority is trusted, now', async () => {
    let authorities = [authority]
    const me = login(trusting({ authorities: () => authorities }))
    const certificate = await issue()
    assert.equal((await me.ask(attemptBy(certificate, false))).is, 'accept')
    authorities = []
    assert.deepEqual(await me.ask(attemptBy(certificate, true)), refused('publickey'))
  })
  test('a plain key, even the authority’s own, or bytes that only begin like a certificate', async () => {
    const me = login(trusting({ authorities: [authority] }))
    assert.deepEqual(await me.proves(mine), refused('publickey'))
    assert.deepEqual(await me.ask({ ...attemptBy(await issue(), true), publicKey: authority.blob }), refused('publickey'))
    const { blob } = await issue()
    assert.deepEqual(await me.ask({ ...attemptBy(await issue(), true), publicKey: blob.subarray(0, 200) }), refused('publickey'))
    assert.deepEqual(me.errors, [])
  })
  test('another method', async () => assert.deepEqual(await login(trusting()).password('x'), refused('publickey')))
})

describe('a security key', () => {
  const said = (userPresent: boolean, userVerified = false): SecurityKeyProof => ({
    flags: 0,
    userPresent,
    userVerified,
    counter: 1,
    origin: undefined,
  })
  const touched = async (certificate: Certificate, proof: SecurityKeyProof) =>
    (await login(trusting()).ask(attemptBy(certificate, true, proof))).is

  test('must have been touched, unless the certificate says otherwise', async () => {
    assert.equal(await touched(await issue(), said(true)), 'accept')
    assert.equal(await touched(await issue(), said(false)), 'refuse')
    const free = await issue({ extensions: { 'no-touch-required': true } })
    assert.equal(await touched(free, said(false)), 'accept')
    const limits = parseKeyOptions('no-pty')
    assert.ok(typeof limits !== 'string')
    assert.equal((await login(trusting({ limits })).ask(attemptBy(free, true, said(false)))).is, 'refuse', 'the server has a say too')
  })
  test('must have verified who used it, when the certificate says so', async () => {
    const strict = await issue({ criticalOptions: { 'verify-required': true } })
    assert.equal(await touched(strict, said(true)), 'refuse')
    assert.equal(await touched(strict, said(true, true)), 'accept')
  })
})

describe('beside others', () => {
  test('a check of plain keys is not asked about certificates, unless it wants to be', async () => {
    const certificate = await issue()
    const { fingerprint } = { fingerprint: certificate.key.fingerprint() }
    const byFingerprint = (_: unknown, key: { fingerprint(): string }): boolean => key.fingerprint() === fingerprint
    assert.deepEqual(await login(publicKey(byFingerprint)).ask(attemptBy(certificate, true)), refused('publickey'))
    assert.deepEqual(
      await login(publicKey(byFingerprint, { certificates: 'left-to-the-check' })).ask(attemptBy(certificate, true)),
      letIn(true),
    )
  })
  test('plain keys and certificates let in side by side', async () => {
    const both = firstOf(
      trusting(),
      publicKey((_, key) => key.fingerprint() === mine.fingerprint),
    )
    assert.deepEqual(await login(both).proves(mine), letIn(true))
    assert.equal((await login(both).ask(attemptBy(await issue(), true))).is, 'accept')
  })
  test('a key and its certificate are one key, not two', async () => {
    const certificate = await issue()
    const plain = { ...attemptBy(certificate, true), algorithm: certificate.key.type, publicKey: certificate.key.blob }
    const chain = login(
      allOf(
        trusting(),
        publicKey(() => ({ key: true })),
      ),
    )
    assert.equal((await chain.ask(attemptBy(certificate, true))).is, 'partial')
    assert.equal((await chain.ask(plain)).is, 'refuse')
  })
})

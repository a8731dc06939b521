// What is said of a certificate: the lines of `ssh-keygen -L`.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { describeCertificate, describeValidity } from '../../src/keys/certificate-describe.ts'
import { isNode } from '../runtime.ts'
import { certificateVector, certificateVectors, issue } from './certificates.ts'
import { publicKey } from './fixtures.ts'

describe('the lines are those of ssh-keygen -L', { skip: isNode ? false : 'the time zone is set by process.env' }, () => {
  const { TZ } = process.env
  before(() => void (process.env.TZ = 'UTC'))
  after(() => {
    if (TZ === undefined) delete process.env.TZ
    else process.env.TZ = TZ
  })
  for (const { name, shown } of certificateVectors.filter(each => each.key !== 'dsa'))
    test(name, () => assert.deepEqual(describeCertificate(certificateVector(name)), shown))

  test('times', () => {
    assert.equal(describeValidity({ validAfter: 0n, validBefore: 0xffffffffffffffffn }), 'forever')
    assert.equal(describeValidity({ validAfter: 1n, validBefore: 86400n }), 'from 1970-01-01T00:00:01 to 1970-01-02T00:00:00')
    assert.match(describeValidity({ validAfter: 0n, validBefore: 0xfffffffffffffffen }), /^before /)
  })
})

test('the data of an option nobody knows is shown as hex', () => {
  const lines = describeCertificate(certificateVector('unknown critical option'))
  assert.ok(lines.includes(`${' '.repeat(16)}only-on-sundays@example.org UNKNOWN OPTION: 00000003796573 (len 7)`), lines.join('\n'))
})

test('with another hash', () => {
  const lines = describeCertificate(certificateVector('ed25519 by rsa2048'), { hash: 'md5' })
  assert.ok(lines[1].endsWith(publicKey('ed25519').fingerprint('md5')))
  assert.ok(lines[2].includes(publicKey('rsa2048').fingerprint('md5')))
})

test('nothing a terminal would obey', async () => {
  const certificate = await issue({
    keyId: '\x1b[2J',
    principals: ['\x1b[2J'],
    criticalOptions: { 'force-command': '\x1b[2J', '\x1b': true },
    extensions: { '\x1b[2J': true },
  })
  assert.doesNotMatch(describeCertificate(certificate).join(''), /\x1b/)
})

// What people compare keys by, as ssh-keygen prints it of every type: fingerprints, bubble babble, drawings, SSHFP records.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { KeyFormatError } from '../../src/errors.ts'
import { bubbleBabble, type FingerprintHash, shortTypeName } from '../../src/keys/fingerprint.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import { randomArt } from '../../src/keys/random-art.ts'
import { sshfpRecords } from '../../src/keys/sshfp.ts'
import { shownKeys } from './key-types.ts'

const hashes: readonly FingerprintHash[] = ['md5', 'sha1', 'sha256', 'sha384', 'sha512']

for (const shown of shownKeys) {
  const key = parsePublicKeyLine(shown.public)
  describe(`${shown.shortName} ${shown.bits} ${key.comment}`, () => {
    test('size and short name', () => {
      assert.equal(key.bits, shown.bits)
      assert.equal(shortTypeName(key.type), shown.shortName)
    })
    for (const hash of hashes) {
      test(`fingerprint and drawing by ${hash}`, () => {
        assert.equal(key.fingerprint(hash), shown.fingerprints[hash])
        assert.equal(randomArt(key, hash), shown.art[hash])
      })
    }
    test('bubble babble', () => {
      assert.equal(bubbleBabble(key.plainBlob), shown.babble)
    })
    test('SSHFP records', () => {
      if (shown.sshfp.length > 0) {
        assert.deepEqual(sshfpRecords(key, 'host.example'), shown.sshfp)
        assert.deepEqual(sshfpRecords(key, 'host.example', { generic: true }), shown.generic)
        assert.deepEqual(sshfpRecords(key, 'host.example', { hashes: ['sha256'] }), shown.sshfp.slice(1))
        return
      }
      assert.throws(
        () => sshfpRecords(key, 'host.example'),
        (error: unknown) => {
          assert.ok(error instanceof KeyFormatError)
          assert.equal(error.code, 'KEY_UNSUPPORTED')
          assert.equal(error.message, `Keys of type ${key.type} cannot stand in SSHFP records: the type has no number there.`)
          return true
        },
      )
    })
  })
}

test('the default drawing is by SHA-256, and a type nobody knows has a drawing too', () => {
  const [first] = shownKeys
  assert.equal(randomArt(parsePublicKeyLine(first.public)), first.art.sha256)
  assert.equal(shortTypeName('ssh-future@example.org'), 'unknown')
  assert.equal(shortTypeName('ssh-future-cert-v01@openssh.com'), 'unknown')
})

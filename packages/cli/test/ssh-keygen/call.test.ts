// The command line of ssh-keygen: which operation is meant, and what is refused before any begins.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FatalError } from '../../src/fatal.ts'
import { UsageError } from '../../src/getopt.ts'
import { readKeygenCall } from '../../src/ssh-keygen/call.ts'
import { readKeyChoice } from '../../src/ssh-keygen/key-types.ts'
import { operations } from '../../src/ssh-keygen/table.ts'

const operation = (...argv: readonly string[]): string | undefined => operations.find(each => each.wanted(readKeygenCall(argv)))?.name

describe('the operation', () => {
  for (const [argv, name] of [
    [[], 'make a key pair'],
    [['-t', 'rsa'], 'make a key pair'],
    [['-A'], 'make host keys'],
    [['-l', '-F', 'host'], 'find, hash or remove known hosts'],
    [['-HF', 'host'], 'find, hash or remove known hosts'],
    [['-lv'], 'print fingerprints'],
    [['-Q', '-l', '-f', 'krl'], 'ask a revocation list'],
    [['-k', '-s', 'ca', '-f', 'krl'], 'make a revocation list'],
    [['-s', 'ca', '-I', 'x', '-L'], 'issue certificates'],
    [['-Y', 'verify', '-s', 'sig', '-r', 'krl'], 'sign files and check signatures'],
    [['-y', '-e'], 'export a public key'],
    [['-r', 'host'], 'print SSHFP records'],
    [['-M', 'screen', 'x'], 'test candidates for groups'],
  ] as const)
    it(`of ${argv.join(' ') || 'nothing'} is to ${name}`, () => assert.equal(operation(...argv), name))
})

describe('values', () => {
  it('are read once for all operations; the last counts', () => {
    const call = readKeygenCall(['-b', '1024', '-b', '2048', '-E', 'MD5', '-m', 'ssh2', '-z', '+7', '-O', 'a', '-O', 'b', '-vv'])
    assert.deepEqual([call.bits, call.fingerprintHash, call.format, call.verbose, call.options], [2048, 'md5', 'RFC4716', 2, ['a', 'b']])
    assert.deepEqual(call.serial, { first: 7n, counts: true })
  })
  it('are refused in the words of OpenSSH', () => {
    for (const [argv, message] of [
      [['-b', 'x'], 'Bits has bad value x (invalid)'],
      [['-b', '0'], 'Bits has bad value 0 (too small)'],
      [['-b', '4294967296'], 'Bits has bad value 4294967296 (too large)'],
      [['-a', '-1'], 'Invalid number: -1 (too small)'],
      [['-E', 'sha3'], 'Invalid hash algorithm "sha3"'],
      [['-m', 'DER'], 'Unsupported conversion format "DER"'],
      [['-M', 'guess'], 'Unsupported moduli option guess'],
      [['-z', '18446744073709551616'], 'Invalid serial number "18446744073709551616"'],
    ] as const)
      assert.throws(
        () => readKeygenCall(argv),
        (error: unknown) => error instanceof FatalError && error.message === message,
      )
    assert.throws(() => readKeygenCall(['-J']), UsageError)
  })
  it('of keys: types by both names, sizes within bounds', () => {
    assert.deepEqual(readKeyChoice('ecdsa-sha2-nistp384', undefined), { type: 'ecdsa-sha2-nistp384', shortName: 'ECDSA', bits: undefined })
    assert.deepEqual(readKeyChoice('ECDSA', 521), { type: 'ecdsa', shortName: 'ECDSA', bits: 521 })
    assert.deepEqual(readKeyChoice('ed25519', 999), { type: 'ed25519', shortName: 'ED25519', bits: undefined })
    for (const [type, bits] of [
      ['dsa', undefined],
      ['rot13', undefined],
      ['rsa', 1023],
      ['rsa', 16_385],
      ['ecdsa', 512],
    ] as const)
      assert.throws(() => readKeyChoice(type, bits), FatalError)
  })
})

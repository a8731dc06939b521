// Asking DNS for SSHFP records: the question as it travels, what of an answer counts, and that damage is no answer.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSshfpReply, sshfpQuestion } from '../../src/client/dns-message.ts'
import { matchSshfp } from '../../src/keys/sshfp.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import { sshfpRecords } from '../../src/keys/sshfp.ts'
import { publicKey } from '../keys/fixtures.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'))
const shown = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const name = '04686f7374076578616d706c6500'
const question = `${name} 002c 0001`
const record = (owner: string, algorithm: string, hash: string, fingerprint: string): string =>
  `${owner} 002c 0001 00000e10 ${(2 + fingerprint.length / 2).toString(16).padStart(4, '0')} ${algorithm} ${hash} ${fingerprint}`
const sha1 = 'ab'.repeat(20)
const answer = (flags: string, ...answers: readonly string[]): Uint8Array =>
  hex(`1234 ${flags} 0001 ${answers.length.toString(16).padStart(4, '0')} 0000 0000 ${question} ${answers.join('')}`)
const read = (bytes: Uint8Array, host = 'host.example') => readSshfpReply(bytes, host, 0x1234)

describe('a question for SSHFP records', () => {
  it('wants recursion, the verdict on DNSSEC and its records', () => {
    const bytes = sshfpQuestion('host.example', 0x1234)
    assert.ok(bytes)
    assert.equal(shown(bytes), shown(hex(`1234 0120 0001 0000 0000 0001 ${question} 00 0029 04d0 0000 8000 0000`)))
    assert.deepEqual(sshfpQuestion('host.example.', 0x1234), bytes)
  })
  it('cannot be asked for what is no name', () => {
    for (const host of ['', '.', 'a..b', `${'x'.repeat(64)}.example`, 'ä.example', 'a b', `${'abcdefg.'.repeat(32)}x`])
      assert.equal(sshfpQuestion(host, 1), undefined, host)
  })
})

describe('an answer about SSHFP records', () => {
  it('has the records of the name, and says whether DNSSEC proves them', () => {
    const reply = read(answer('81a0', record('c00c', '04', '01', sha1), record('c00c', '01', '02', 'cd'.repeat(32))))
    assert.ok(reply)
    assert.equal(reply.authentic, true)
    assert.deepEqual(
      reply.records.map(each => [each.algorithm, each.hash, shown(each.fingerprint)]),
      [
        [4, 1, sha1],
        [1, 2, 'cd'.repeat(32)],
      ],
    )
    assert.equal(read(answer('8180', record('c00c', '04', '01', sha1)))?.authentic, false)
  })

  it('follows aliases, and has nothing of other names', () => {
    const alias = 'c00c 0005 0001 00000e10 0004 0161 c011'
    assert.equal(read(answer('8180', alias, record('0161 c011', '04', '01', sha1)))?.records.length, 1)
    assert.equal(read(answer('8180', alias, record('0162 c011', '04', '01', sha1)))?.records.length, 0)
    assert.equal(read(answer('8180', 'c00c 0005 0001 00000e10 0002 c00c'))?.records.length, 0, 'an alias of itself')
  })

  it('tells what is missing: too long, no such name', () => {
    assert.deepEqual(read(answer('8380')), { truncated: true, responseCode: 0, authentic: false, records: [] })
    assert.equal(read(answer('8183'))?.responseCode, 3)
  })

  it('is none when it is to another question', () => {
    const right = answer('8180', record('c00c', '04', '01', sha1))
    assert.equal(readSshfpReply(right, 'host.example', 0x1235), undefined)
    assert.equal(read(right, 'host.example2'), undefined)
    assert.equal(read(answer('0180')), undefined, 'a question itself')
    assert.ok(readSshfpReply(right, 'HOST.example', 0x1234))
  })

  it('is none when it is damaged, whatever is cut or turned', () => {
    const right = answer('8180', record('c00c', '04', '01', sha1))
    for (let length = 0; length < right.length; length++) assert.equal(read(right.subarray(0, length)), undefined, String(length))
    assert.equal(read(answer('8180', 'c01e')), undefined, 'a name that points at itself')
    assert.equal(read(answer('8180', '40')), undefined, 'a label of no known kind')
    for (let at = 0; at < right.length; at++) read(right.with(at, 0xff))
  })
})

describe('records and a key', () => {
  const key = parsePublicKeyLine('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl')
  const parsed = (of: typeof key) =>
    sshfpRecords(of, 'x').map(line => {
      const [algorithm, hash, fingerprint] = line.split(' ').slice(3)
      return { algorithm: Number(algorithm), hash: Number(hash), fingerprint: hex(fingerprint) }
    })
  const other = publicKey('ed25519')
  const rsa = publicKey('rsa2048')
  it('match when one is of it, and none of another of its kind', () => {
    for (const each of parsed(key)) assert.equal(matchSshfp(key, [each]), 'matching')
    assert.equal(matchSshfp(key, [...parsed(rsa), ...parsed(key)]), 'matching')
    assert.equal(matchSshfp(key, [...parsed(key), ...parsed(other)]), 'differing')
    assert.equal(matchSshfp(key, parsed(rsa)), 'differing')
    assert.equal(matchSshfp(key, []), 'none')
    assert.equal(matchSshfp(key, [{ algorithm: 4, hash: 9, fingerprint: new Uint8Array(20) }]), 'differing')
    assert.equal(matchSshfp(key, [{ ...parsed(key)[0], fingerprint: new Uint8Array(0) }]), 'differing')
  })
})

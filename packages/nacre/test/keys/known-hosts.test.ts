// known_hosts: lines, lookups and what is written, with files made by ssh-keygen among them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeBase64 } from '../../src/keys/base64.ts'
import { formatKnownHostsLine, knownHostKeyAlgorithms, knownKeyTypes, lookUpHostKey, parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { publicKey, vector } from './fixtures.ts'

const ed25519 = publicKey('ed25519')
const p256 = publicKey('ecdsa256')
const rsa = publicKey('rsa2048')
const otherRsa = publicKey('rsa1024')

const line = (hosts: string, key: typeof rsa): string => `${hosts} ${key.type} ${encodeBase64(key.blob)}`
const lookUp = (text: string, host: string, port: number, key: typeof rsa) =>
  lookUpHostKey([parseKnownHosts(text, 'kh')], { host, port }, key.blob)

test('a plain file and the same file hashed by ssh-keygen -H give the same answers', () => {
  for (const file of ['known_hosts', 'known_hosts.hashed']) {
    const text = vector(file)
    const parsed = parseKnownHosts(text, file)
    assert.deepEqual(parsed.problems, [])
    const is = (host: string, port: number, key: typeof rsa): string => lookUpHostKey([parsed], { host, port }, key.blob).is
    assert.equal(is('plain.example', 22, ed25519), 'known')
    assert.equal(is('PLAIN.example', 22, ed25519), 'known')
    assert.equal(is('several.example', 22, p256), 'known')
    assert.equal(is('192.0.2.7', 22, p256), 'known')
    assert.equal(is('several.example', 2222, p256), 'known')
    assert.equal(is('port.example', 2200, rsa), 'known')
    assert.equal(is('port.example', 2200, otherRsa), 'changed')
    assert.equal(is('port.example', 22, rsa), 'unknown', 'a key known on another port only')
    assert.equal(is('other.example', 22, ed25519), 'unknown')
  }
})

test('a known key says where it stands', () => {
  assert.deepEqual(lookUp(`# comment\n\n${line('a.example', rsa)}\n`, 'a.example', 22, rsa), { is: 'known', file: 'kh', line: 3 })
})

test('another key of the same type is a change, with every place named', () => {
  const text = `${line('a.example', rsa)}\n${line('a.example', ed25519)}\n`
  assert.deepEqual(lookUp(text, 'a.example', 22, otherRsa), {
    is: 'changed',
    entries: [
      { file: 'kh', line: 1, type: 'ssh-rsa', fingerprint: rsa.fingerprint() },
      { file: 'kh', line: 2, type: 'ssh-ed25519', fingerprint: ed25519.fingerprint() },
    ],
  })
})

test('a host may have two keys of one type', () => {
  const text = `${line('a.example', rsa)}\n${line('a.example', otherRsa)}\n`
  assert.equal(lookUp(text, 'a.example', 22, rsa).is, 'known')
  assert.equal(lookUp(text, 'a.example', 22, otherRsa).is, 'known')
})

// Else whoever is in between would only have to show a key of a type that is not known yet.
test('a host known only with keys of other types has changed, too; keys of the same type are told first', () => {
  const text = `${line('a.example', rsa)}\n${line('a.example', p256)}\n`
  const types = (key: typeof rsa): readonly string[] => {
    const found = lookUp(text, 'a.example', 22, key)
    assert.ok(found.is === 'changed')
    return found.entries.map(each => each.type)
  }
  assert.deepEqual(types(ed25519), ['ssh-rsa', 'ecdsa-sha2-nistp256'])
  assert.deepEqual(types(otherRsa), ['ssh-rsa', 'ecdsa-sha2-nistp256'])
})

test('the other names of an unknown host with a known key are told', () => {
  const found = lookUp(`${line('a.example,b.example', rsa)}\n`, 'new.example', 22, rsa)
  assert.deepEqual(found, { is: 'unknown', otherNames: [{ file: 'kh', line: 1, names: 'a.example,b.example' }] })
})

test('wildcards and negation', () => {
  const text = line('*.example,!bad.example', rsa)
  assert.equal(lookUp(text, 'good.example', 22, rsa).is, 'known')
  assert.equal(lookUp(text, 'bad.example', 22, rsa).is, 'unknown')
  assert.equal(lookUp(line('host?', rsa), 'host7', 22, rsa).is, 'known')
})

test('on another port, a key the host has without a port is known, but never outweighs a change', () => {
  assert.equal(lookUp(line('a.example', rsa), 'a.example', 2222, rsa).is, 'known')
  assert.equal(lookUp(line('a.example', rsa), 'a.example', 2222, otherRsa).is, 'unknown')
  const both = `${line('[a.example]:2222', otherRsa)}\n${line('a.example', rsa)}\n`
  assert.equal(lookUp(both, 'a.example', 2222, rsa).is, 'changed')
})

test('a revoked key is refused whatever other lines say', () => {
  const text = `${line('a.example', rsa)}\n@revoked ${line('*', rsa)}\n`
  assert.deepEqual(lookUp(text, 'a.example', 22, rsa), { is: 'revoked', file: 'kh', line: 2 })
  assert.equal(lookUp(`@revoked ${line('a.example', rsa)}`, 'a.example', 2222, rsa).is, 'revoked')
  assert.equal(
    lookUp(`@revoked ${line('a.example', otherRsa)}`, 'a.example', 22, rsa).is,
    'unknown',
    'a revoked line does not make a change',
  )
})

test('a certificate authority is kept, and is no host key', () => {
  const parsed = parseKnownHosts(`@cert-authority ${line('*.example', rsa)}`, 'kh')
  assert.equal(parsed.entries[0]?.marker, 'cert-authority')
  assert.equal(lookUpHostKey([parsed], { host: 'a.example', port: 22 }, rsa.blob).is, 'unknown')
  assert.deepEqual(knownKeyTypes([parsed], { host: 'a.example', port: 22 }), [])
})

test('several files count as one, the first place found is told', () => {
  const files = [parseKnownHosts(line('a.example', ed25519), 'one'), parseKnownHosts(line('a.example', rsa), 'two')]
  assert.deepEqual(lookUpHostKey(files, { host: 'a.example', port: 22 }, rsa.blob), { is: 'known', file: 'two', line: 1 })
  assert.deepEqual(knownKeyTypes(files, { host: 'a.example', port: 22 }), ['ssh-ed25519', 'ssh-rsa'])
})

test('known keys tell which algorithms to ask for', () => {
  const files = [parseKnownHosts(`${line('a.example', rsa)}\n${line('b.example', ed25519)}`, 'kh')]
  assert.deepEqual(knownHostKeyAlgorithms(files, { host: 'a.example', port: 22 }), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'])
  assert.deepEqual(knownHostKeyAlgorithms(files, { host: 'b.example', port: 2222 }), ['ssh-ed25519'], 'also those without a port')
  assert.deepEqual(knownHostKeyAlgorithms(files, { host: 'c.example', port: 22 }), [])
})

test('lines that cannot be used are skipped and told', () => {
  const text = [
    'only-a-host',
    'a.example ssh-rsa',
    'a.example ssh-rsa AAAA!',
    `@strange ${line('a.example', rsa)}`,
    `|1|AAAA|AAAA ${rsa.type} ${encodeBase64(rsa.blob)}`,
    `|2|AAAA|AAAA ${rsa.type} ${encodeBase64(rsa.blob)}`,
    `a.example ssh-rsa ${encodeBase64(ed25519.blob)}`,
    `a.example 1024 65537 1234567890`,
    line('a.example', rsa),
  ].join('\r\n')
  const parsed = parseKnownHosts(text, 'kh')
  assert.deepEqual(
    parsed.problems.map(each => each.line),
    [1, 2, 3, 4, 5, 6, 7, 8],
  )
  assert.ok(parsed.problems.every(each => each.problem !== ''))
  assert.equal(parsed.entries.length, 1)
})

test('what we write is found again, plain and hashed', () => {
  const random = (bytes: Uint8Array): void => void bytes.fill(9)
  for (const [host, port] of [
    ['A.Example', 22],
    ['a.example', 2222],
    ['2001:db8::1', 22],
    ['2001:db8::1', 2200],
  ] as const) {
    for (const options of [{}, { hash: random }]) {
      const text = formatKnownHostsLine(host, port, rsa.blob, options)
      assert.equal(lookUp(text, host, port, rsa).is, 'known', text)
      assert.equal(text.includes('xample'), options.hash === undefined && host.includes('xample'))
    }
  }
  assert.match(formatKnownHostsLine('Host', 2222, rsa.blob), /^\[host\]:2222 ssh-rsa AAAA\S+$/)
})

test('a host that would mean something else in the file is not written', () => {
  for (const host of ['', 'a,b', '*', 'a?', '!a', '#a', '@revoked', 'a b', 'a\nb', '|1|a|b', 'a\u0000']) {
    assert.throws(() => formatKnownHostsLine(host, 22, rsa.blob), TypeError, JSON.stringify(host))
  }
})

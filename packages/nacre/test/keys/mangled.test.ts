// Files mangled at random: parsers of lines report, parsers of keys throw errors of ours, and nothing else happens.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SshError } from '../../src/errors.ts'
import { parseAuthorizedKeys } from '../../src/keys/authorized-keys.ts'
import { lookUpHostKey, parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { parsePublicKey } from '../../src/keys/public.ts'
import { readPrivateKey } from '../../src/keys/private-file.ts'
import { crypto, keyNames, publicKey, vector } from './fixtures.ts'

/** A small generator with a seed (mulberry32), so that a failure can be made again. */
const numbers = (seed: number) => (below: number) => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below
}

const odd = [
  '"',
  '\\',
  '\\"',
  ',',
  ' ',
  '\t',
  '\r',
  '\n',
  '!',
  '*',
  '|',
  '|1|',
  '@revoked ',
  '[',
  ']:',
  '=',
  '#',
  '\0',
  'ä',
  '\u2028',
  '-----',
  '\ud800',
]

const mangle = (text: string, next: (below: number) => number): string => {
  let result = text
  for (let times = 1 + next(6); times > 0; times--) {
    const at = next(result.length + 1)
    const cut = next(3) === 0 ? next(40) : next(2)
    result = result.slice(0, at) + (next(4) === 0 ? '' : odd[next(odd.length)]) + result.slice(at + cut)
  }
  return result
}

const onlyOurs = (seed: number, work: () => unknown): void => {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof SshError, `seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
  }
}

test('known_hosts and authorized_keys: every line is an entry or a problem, nothing throws', () => {
  const authorized = `restrict,command="a \\"b\\"",from="*.example",permitopen="a:1" ${vector('ed25519.pub')}environment="A=1" ${vector('rsa2048.pub')}`
  for (let seed = 1; seed <= 1500; seed++) {
    const next = numbers(seed)
    const hosts = mangle(vector(next(2) === 0 ? 'known_hosts' : 'known_hosts.hashed'), next)
    const keys = mangle(authorized, next)
    try {
      const meaningful = (text: string): number =>
        text.split('\n').filter(line => line.trim() !== '' && !line.trim().startsWith('#')).length
      const parsed = parseKnownHosts(hosts, 'kh')
      assert.equal(parsed.entries.length + parsed.problems.length, meaningful(hosts))
      lookUpHostKey([parsed], { host: 'plain.example', port: 22 }, publicKey('ed25519').blob)
      const file = parseAuthorizedKeys(keys, 'ak')
      assert.equal(file.entries.length + file.problems.length, meaningful(keys))
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause })
    }
  }
})

test('private key files and key blobs', () => {
  const files = ['ed25519.key', 'ecdsa256.key', 'rsa2048-pem.pem', 'ecdsa384-pkcs8.pem', 'dsa-pem.pem', 'encrypted-aes256-gcm.key'].map(
    vector,
  )
  for (let seed = 1; seed <= 600; seed++) {
    const next = numbers(seed)
    const text = mangle(files[next(files.length)], next)
    onlyOurs(seed, () => readPrivateKey(crypto, text))
    const blob = publicKey(keyNames[next(keyNames.length)]).blob.slice()
    blob[next(blob.length)] ^= 1 << next(8)
    onlyOurs(seed, () => parsePublicKey(blob))
  }
})

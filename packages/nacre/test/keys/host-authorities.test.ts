// What known_hosts says of the authorities of hosts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lookUpHostAuthority, wantedHostKeyAlgorithms } from '../../src/keys/host-authorities.ts'
import { parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { formatPublicKeyLine } from '../../src/keys/public.ts'
import { certificateVector } from './certificates.ts'
import { publicKey } from './fixtures.ts'

/** The key ed25519, certified by itself as an authority in `host`; by rsa2048 in the other. */
const line = (name: string): string => formatPublicKeyLine(publicKey(name))
const files = (...lines: readonly string[]) => [parseKnownHosts(lines.join('\n'), 'known')]
const at = (host: string, port = 22) => ({ host, port })
const certificate = certificateVector('ed25519 by rsa2048')
const look = (lines: readonly string[], place = at('host.example')) => lookUpHostAuthority(files(...lines), place, certificate)

describe('an authority', () => {
  test('is trusted for the hosts its line names', () => {
    const lines = ['# none', `@cert-authority *.example,!bad.example ${line('rsa2048')}`]
    assert.deepEqual(look(lines), { is: 'trusted', file: 'known', line: 2 })
    assert.deepEqual(look(lines, at('bad.example')), { is: 'untrusted', others: [] })
    assert.deepEqual(look(lines, at('host.org')), { is: 'untrusted', others: [] })
  })
  test('of another port is trusted for the host without one, unless there is a line for the port', () => {
    const plain = `@cert-authority host.example ${line('rsa2048')}`
    assert.equal(look([plain], at('host.example', 2222)).is, 'trusted')
    assert.equal(look([`@cert-authority [host.example]:2222 ${line('rsa2048')}`], at('host.example', 2222)).is, 'trusted')
    assert.equal(look([plain, `@cert-authority [host.example]:2222 ${line('ecdsa256')}`], at('host.example', 2222)).is, 'untrusted')
    assert.equal(look([`@cert-authority [host.example]:2222 ${line('rsa2048')}`]).is, 'untrusted')
  })
  test('is not trusted when only its plain key is known, and the others that are get told', () => {
    const other = publicKey('ecdsa256').fingerprint()
    const lines = [`host.example ${line('rsa2048')}`, `@cert-authority host.example ${line('ecdsa256')}`]
    assert.deepEqual(look(lines), { is: 'untrusted', others: [{ file: 'known', line: 2, fingerprint: other }] })
  })
  test('that is revoked wins over lines that trust it', () => {
    const lines = [`@cert-authority * ${line('rsa2048')}`, `@revoked * ${line('rsa2048')}`]
    assert.deepEqual(look(lines), {
      is: 'revoked',
      what: 'authority',
      file: 'known',
      line: 2,
      fingerprint: publicKey('rsa2048').fingerprint(),
    })
  })
  test('cannot help a key that is revoked', () => {
    const found = look([`@cert-authority * ${line('rsa2048')}`, `@revoked host.example ${line('ed25519')}`])
    assert.ok(found.is === 'revoked' && found.what === 'key')
  })
})

describe('the algorithms to ask for', () => {
  test('are those of certificates when there is an authority, then those of known keys', () => {
    const names = wantedHostKeyAlgorithms(
      files(`@cert-authority * ${line('rsa2048')}`, `host.example ${line('ecdsa256')}`),
      at('host.example', 2222),
    )
    assert.ok(names.includes('ssh-ed25519-cert-v01@openssh.com') && names.includes('rsa-sha2-512-cert-v01@openssh.com'))
    assert.equal(names.at(-1), 'ecdsa-sha2-nistp256')
  })
  test('are only those of known keys when there is none', () =>
    assert.deepEqual(wantedHostKeyAlgorithms(files(`host.example ${line('ed25519')}`), at('host.example')), ['ssh-ed25519']))
})

// What becomes of known_hosts when a server says which keys it has: what is learned and forgotten, and when nothing is touched.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { planHostKeyUpdate, replaceHostKeys } from '../../src/keys/host-key-update.ts'
import { areHostsOf, hashHostName, parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { formatPublicKeyLine } from '../../src/keys/public.ts'
import { crypto, publicKey } from './fixtures.ts'

const bare = (name: string): string => formatPublicKeyLine(publicKey(name)).split(' ').slice(0, 2).join(' ')
const [ed, ec, rsa, old] = ['ed25519', 'ecdsa256', 'rsa2048', 'ecdsa384'].map(name => publicKey(name))
const names = { host: 'host.example' }
const both = { host: 'host.example', address: '192.0.2.1' }
const random = (bytes: Uint8Array): void => void crypto.random(bytes)

const plan = (lines: readonly string[], keys = [ed, rsa], where: { host: string; address?: string } = names) =>
  planHostKeyUpdate([parseKnownHosts(lines.join('\n'), 'kh')], where, keys)

describe('a plan for known_hosts', () => {
  it('has the keys no line knows, and the lines whose keys are gone', () => {
    const found = plan([`host.example ${bare('ed25519')}`, `host.example ${bare('ecdsa384')}`, `other.example ${bare('ecdsa521')}`])
    assert.ok(found.is === 'update')
    assert.deepEqual(found.unknown, [rsa])
    assert.deepEqual(
      found.deprecated.map(entry => entry.line),
      [2],
    )
  })

  it('is nothing where all is known, and where nothing was announced', () => {
    const lines = [`host.example ${bare('ed25519')}`, `${hashHostName('host.example', random)} ${bare('rsa2048')}`]
    assert.deepEqual(plan(lines), { is: 'nothing' })
    assert.deepEqual(plan(lines, []), { is: 'nothing' })
  })

  it('touches nothing where somebody wrote lines by hand, revoked or certified, or where other names share a key', () => {
    const known = `host.example ${bare('ed25519')}`
    for (const [why, ...lines] of [
      ['wildcard', `*.example ${bare('ed25519')}`],
      ['three names', `host.example,b,c ${bare('ed25519')}`],
      ['authority', known, `@cert-authority host.example ${bare('ecdsa521')}`],
      ['revoked', known, `@revoked host.example ${bare('ecdsa521')}`],
      ['a key of it elsewhere', known, `other.example ${bare('rsa2048')}`],
      ['a key it no longer has elsewhere', known, `host.example ${bare('ecdsa384')}`, `other.example ${bare('ecdsa384')}`],
    ] as const)
      assert.equal(plan(lines).is, 'left', why)
    assert.equal(plan([known, `@cert-authority other.example ${bare('ecdsa521')}`]).is, 'update')
    assert.equal(plan([`host.example,192.0.2.1 ${bare('ed25519')}`]).is, 'update', 'a name and an address')
    assert.equal(plan([`host.example,192.0.2.9 ${bare('ed25519')}`], [ed, rsa], both).is, 'left', 'another address')
  })
})

describe('the new text', () => {
  const before = `# mine\nhost.example ${bare('ecdsa384')}\r\nhost.example ${bare('ed25519')} a comment\n@revoked host.example ${bare('ecdsa521')}\nno line at all\nother.example ${bare('ecdsa384')}`

  it('has just these keys for the host, and all else as it was', () => {
    assert.equal(
      replaceHostKeys(before, names, [ed, ec]),
      `# mine\nhost.example ${bare('ed25519')} a comment\n@revoked host.example ${bare('ecdsa521')}\nno line at all\nother.example ${bare('ecdsa384')}\nhost.example ${bare('ecdsa256')}\n`,
    )
    assert.equal(replaceHostKeys(before, { host: 'nobody' }, [old], { add: false }), before)
  })

  it('names the address too where that is looked up', () => {
    assert.equal(replaceHostKeys('', both, [ed]), `host.example,192.0.2.1 ${bare('ed25519')}\n`)
    const known = `host.example ${bare('ed25519')}\n`
    assert.equal(replaceHostKeys(known, both, [ed]), `${known}192.0.2.1 ${bare('ed25519')}\n`)
  })

  it('is hashed, a line for each name', () => {
    const { entries } = parseKnownHosts(replaceHostKeys('', both, [ed, ec], { hash: random }), '')
    assert.deepEqual(
      entries.map(({ hosts }) => [hosts.is, areHostsOf(hosts, 'host.example'), areHostsOf(hosts, '192.0.2.1')]),
      [true, false, true, false].map(isHost => ['hashed', isHost, !isHost]),
    )
  })

  it('only loses lines in further files', () => {
    assert.equal(replaceHostKeys(`host.example ${bare('ecdsa384')}\n`, names, [ed], { add: false }), '')
  })
})

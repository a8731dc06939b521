// Which hosts ssh-keyscan asks: lists, ranges of addresses, files with comments.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { addressesOf, allHosts, hostsOf } from '../../src/ssh-keyscan/hosts.ts'
import { readKeyscanCall } from '../../src/ssh-keyscan/options.ts'
import { FatalError } from '../../src/fatal.ts'
import { UsageError } from '../../src/getopt.ts'

const range = (text: string): readonly string[] | undefined => {
  const found = addressesOf(text)
  return found === undefined ? undefined : [...found]
}

describe('a range of addresses', () => {
  it('has all of them, first and last included', () => {
    assert.deepEqual(range('10.0.0.252/30'), ['10.0.0.252', '10.0.0.253', '10.0.0.254', '10.0.0.255'])
    assert.deepEqual(range('192.0.2.1'), ['192.0.2.1'])
    assert.deepEqual(range('2001:DB8:0::fffe/127'), ['2001:db8::fffe', '2001:db8::ffff'])
    assert.deepEqual(range('::ffff:10.0.0.0/127'), ['::ffff:a00:0', '::ffff:a00:1'])
    assert.deepEqual(range('::'), ['::'])
  })
  it('is walked through, not built: a billion costs nothing', () => {
    const [first] = addressesOf('10.0.0.0/8') ?? []
    assert.equal(first, '10.0.0.0')
  })
  it('is none when bits of the host are set, or the length cannot be', () => {
    for (const text of ['10.0.0.1/24', '10.0.0.0/33', '::1/129', '::/x', 'host/24', '10.0.0.0/8/8', 'fe80::1%lo', '1.2.3'])
      assert.equal(range(text), undefined, text)
  })
})

describe('a host as it is written', () => {
  it('has addresses to try and names to be written under', () => {
    assert.deepEqual([...hostsOf('a,b  c,d')], [{ addresses: ['a', 'b'], names: 'c,d' }])
    assert.deepEqual([...hostsOf('1.2.3.4,name')], [{ addresses: ['1.2.3.4', 'name'], names: '1.2.3.4,name' }])
    assert.deepEqual([...hostsOf('  ')], [])
  })
  it('comes from files without comments and empty lines', async () => {
    const call = { files: [undefined], hosts: ['last'] }
    const stdin = Readable.from(['# all\n\none two # three\n', 'fo', 'ur\t\n'])
    const found: string[] = []
    for await (const { names } of allHosts(call, {
      program: 'ssh-keyscan',
      variables: {},
      stdin,
      stdout: process.stdout,
      stderr: process.stderr,
    }))
      found.push(names)
    assert.deepEqual(found, ['two', 'four', 'last'])
  })
})

describe('the command line', () => {
  it('has OpenSSH’s defaults', () => {
    const { port, timeout, kinds, family } = readKeyscanCall(['host'])
    assert.deepEqual([port, timeout, family, kinds.length], [22, 5000, 0, 6])
  })
  it('knows types by their short names and those on the wire', () => {
    assert.deepEqual(readKeyscanCall(['-t', 'ED25519,ssh-rsa', 'h']).kinds, [['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'], ['ssh-ed25519']])
    assert.deepEqual(readKeyscanCall(['-c', '-t', 'ed25519-sk', 'h']).kinds, [['sk-ssh-ed25519-cert-v01@openssh.com']])
  })
  it('refuses what it cannot mean', () => {
    for (const argv of [[], ['-T', '0', 'h'], ['-T', 'x', 'h']]) assert.throws(() => readKeyscanCall(argv), UsageError)
    for (const argv of [
      ['-t', 'x', 'h'],
      ['-p', '65536', 'h'],
      ['-O', 'x', 'h'],
    ])
      assert.throws(() => readKeyscanCall(argv), FatalError)
  })
})

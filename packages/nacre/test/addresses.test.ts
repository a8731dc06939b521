// Addresses and ranges: every way to write one, and what is none.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressRanges, parseAddress, sourceOf } from '../src/addresses.ts'

const hex = (text: string) => parseAddress(text)?.reduce((shown, each) => shown + each.toString(16).padStart(2, '0'), '')

describe('an address', () => {
  const good: readonly [string, string][] = [
    ['0.0.0.0', '00000000'],
    ['255.255.255.255', 'ffffffff'],
    ['192.0.2.1', 'c0000201'],
    ['::', '00'.repeat(16)],
    ['::1', `${'00'.repeat(15)}01`],
    ['1::', `0001${'00'.repeat(14)}`],
    ['2001:db8::7', '20010db8000000000000000000000007'],
    ['2001:DB8:0:0:0:0:0:7', '20010db8000000000000000000000007'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001'],
    ['::ffff:192.0.2.1', 'c0000201'],
    ['::ffff:c000:201', 'c0000201'],
    ['64:ff9b::192.0.2.1', '0064ff9b0000000000000000c0000201'],
  ]
  for (const [text, bytes] of good) test(text, () => assert.equal(hex(text), bytes))

  const bad = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.-4',
    '1.2.3.4 ',
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    'g::',
    '12345::',
    '::1.2.3',
    '::1.2.3.4.5',
    '1.2.3.4::',
    'localhost',
    '::ffff:1.2.3.999',
  ]
  for (const text of bad) test(`is not ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), undefined))
})

describe('a range', () => {
  const table: readonly [range: string, inside: readonly string[], outside: readonly string[]][] = [
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.1.1'], ['9.255.255.255', '11.0.0.0', '::10.0.0.1', 'a00::']],
    ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127']],
    ['192.0.2.1', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['0.0.0.0/0', ['1.2.3.4'], ['::1', 'nonsense', '']],
    ['::/0', ['::1', 'fe80::1%eth0'], ['1.2.3.4', '::ffff:1.2.3.4']],
    ['fe80::/10', ['fe80::1', 'febf:ffff::'], ['fec0::']],
    ['2001:db8::/33', ['2001:db8:7fff::'], ['2001:db8:8000::']],
    ['::ffff:10.0.0.0/104', ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.0']],
  ]
  for (const [range, inside, outside] of table) {
    test(range, () => {
      const among = addressRanges([range])
      for (const address of inside) assert.ok(among(address), address)
      for (const address of outside) assert.ok(!among(address), address)
    })
  }
  test('several', () => {
    const among = addressRanges(['10.0.0.0/8', '::1'])
    assert.deepEqual(['10.1.1.1', '::1', '::2'].map(among), [true, true, false])
    assert.equal(addressRanges([])('10.1.1.1'), false)
  })
  for (const range of [
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0.1/8',
    '::1/129',
    '::1/64',
    '::ffff:10.0.0.0/95',
    'host/8',
    '',
    '10.0.0.0/0x8',
  ]) {
    test(`is not ${JSON.stringify(range)}`, () => assert.throws(() => addressRanges([range]), TypeError))
  }
})

test('a source is an IPv4 address or an IPv6 /64', () => {
  assert.equal(sourceOf('192.0.2.1'), sourceOf('::ffff:192.0.2.1'))
  assert.notEqual(sourceOf('192.0.2.1'), sourceOf('192.0.2.2'))
  assert.equal(sourceOf('2001:db8::1'), sourceOf('2001:db8::ffff:1:2:3'))
  assert.notEqual(sourceOf('2001:db8::1'), sourceOf('2001:db8:0:1::1'))
  assert.equal(sourceOf(undefined), sourceOf(undefined))
  assert.equal(sourceOf('/tmp/socket'), '/tmp/socket')
})

// Lists of addresses as sshd_config and authorized_keys have them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { matchesAddress, plainAddress } from '../../src/sshd/addresses.ts'

const cases: readonly (readonly [string, string | undefined, boolean])[] = [
  ['10.0.0.7', '10.0.0.7', true],
  ['10.0.0.7', '10.0.0.70', false],
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.*', '10.0.3.4', true],
  ['10.0.0.?', '10.0.0.12', false],
  ['2001:db8::/32', '2001:db8:1::5', true],
  ['2001:db8::/32', '2001:db9::5', false],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['*', '192.0.2.1', true],
  ['*', undefined, false],
  ['*', 'not an address', false],
  ['10.0.0.0/99', '10.0.0.1', false],
  ['*,!10.0.0.7', '10.0.0.7', false],
  ['*,!10.0.0.7', '10.0.0.8', true],
  ['!10.0.0.0/8,*', '10.9.9.9', false],
  ['!10.0.0.7', '10.0.0.8', false],
]

describe('a list of addresses', () => {
  for (const [patterns, address, expected] of cases)
    test(`${patterns} ${expected ? 'takes' : 'does not take'} ${address ?? 'a client without an address'}`, () =>
      assert.equal(matchesAddress(patterns.split(','), address), expected))
})

test('IPv4 inside IPv6 is shown as IPv4', () => {
  assert.equal(plainAddress('::ffff:192.0.2.9'), '192.0.2.9')
  assert.equal(plainAddress('2001:db8::1'), '2001:db8::1')
})

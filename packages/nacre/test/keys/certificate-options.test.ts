// What options of a user certificate mean, and what holds when a line of authorized_keys has a say too.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { bothOptions, certificateLimits } from '../../src/keys/certificate-options.ts'
import type { CertificateOption } from '../../src/keys/certificate.ts'
import { type KeyOptions, noOptions, parseKeyOptions } from '../../src/keys/key-options.ts'
import { encode, text } from '../../src/wire/codec.ts'
import { certificateVector } from './certificates.ts'

const flag = (name: string): CertificateOption => ({ name, data: new Uint8Array(0) })
const valued = (name: string, value: string): CertificateOption => ({ name, data: encode(text, value) })
const nothing = { pty: false, portForwarding: false, agentForwarding: false, x11Forwarding: false, userRc: false, tunnels: true }
const everything = { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true, userRc: true, tunnels: true }

describe('limits', () => {
  test('of a usual certificate: everything is allowed', () => {
    const limits = certificateLimits(certificateVector('ed25519 by ed25519'))
    assert.deepEqual(limits, { options: noOptions, sourceAddresses: undefined })
  })
  test('of one without extensions: nothing is', () => {
    const limits = certificateLimits(certificateVector('nothing allowed'))
    assert.deepEqual(limits, { options: { ...noOptions, may: nothing }, sourceAddresses: undefined })
  })
  test('of one with all there are', () => {
    assert.deepEqual(certificateLimits(certificateVector('limits')), {
      options: {
        ...noOptions,
        command: '/bin/echo "forced"',
        verifyRequired: true,
        noTouchRequired: true,
        may: { ...everything, pty: false, x11Forwarding: false },
      },
      sourceAddresses: ['192.0.2.0/24', '2001:db8::/32'],
    })
  })
  test('an extension nobody knows is no harm', () => {
    const limits = certificateLimits(certificateVector('unknown extension'))
    assert.ok(typeof limits !== 'string' && limits.options.may.pty)
  })
  test('what is critical as an extension, and the contrary, is not taken for it', () => {
    const limits = certificateLimits({ criticalOptions: [], extensions: [valued('force-command', 'x')] })
    assert.ok(typeof limits !== 'string' && limits.options.command === undefined)
    assert.match(String(certificateLimits({ criticalOptions: [flag('permit-pty')], extensions: [] })), /"permit-pty", which is not known/)
  })

  const wrong = (criticalOptions: readonly CertificateOption[], words: RegExp, extensions: readonly CertificateOption[] = []): void => {
    const limits = certificateLimits({ criticalOptions, extensions })
    assert.equal(typeof limits, 'string')
    assert.match(String(limits), words)
  }
  test('an option that is there twice', () => {
    wrong([valued('force-command', 'x'), valued('force-command', 'x')], /"force-command" that is there twice/)
    wrong([valued('source-address', '::1'), valued('source-address', '::1')], /"source-address" that is there twice/)
  })
  test('an option that cannot be read', () => {
    wrong([flag('force-command')], /"force-command" that cannot be read/)
    wrong([valued('force-command', 'x\0y')], /cannot be read/)
    wrong([{ name: 'source-address', data: Uint8Array.of(0, 0, 0, 1, 0xff) }], /"source-address" that cannot be read/)
    wrong([{ name: 'force-command', data: Uint8Array.of(0, 0, 0, 0, 1) }], /cannot be read/)
  })
  test('an address that is none', () => {
    for (const list of ['host.example', '10.0.0.0/33', '10.0.0.1/8', '!10.0.0.1', '*', ''])
      wrong([valued('source-address', list)], /"source-address" that has an entry that is no address or CIDR block/)
  })
  test('a flag with data', () => {
    wrong([valued('verify-required', 'x')], /"verify-required" that has 5 bytes of data/)
    wrong([], /extension "permit-pty" that has 5 bytes of data/, [valued('permit-pty', 'x')])
  })
})

describe('a line and a certificate together', () => {
  const options = (field: string): KeyOptions => {
    const parsed = parseKeyOptions(field)
    if (typeof parsed === 'string') throw new Error(parsed)
    return parsed
  }
  const both = (line: string, certificate: Partial<KeyOptions>) => bothOptions(options(line), { ...noOptions, ...certificate })
  const merged = (line: string, certificate: Partial<KeyOptions>): KeyOptions => {
    const found = both(line, certificate)
    if (typeof found === 'string') throw new Error(found)
    return found
  }

  test('allow what both allow', () => {
    assert.deepEqual(merged('cert-authority', {}).may, everything)
    assert.deepEqual(merged('cert-authority,no-pty', { may: { ...everything, userRc: false } }).may, {
      ...everything,
      pty: false,
      userRc: false,
    })
    assert.deepEqual(merged('cert-authority,restrict', {}).may, { ...nothing, tunnels: false })
  })
  test('ask for a touch unless neither does, and for more when one does', () => {
    assert.equal(merged('cert-authority,no-touch-required', { noTouchRequired: true }).noTouchRequired, true)
    assert.equal(merged('cert-authority', { noTouchRequired: true }).noTouchRequired, false)
    assert.equal(merged('cert-authority,no-touch-required', {}).noTouchRequired, false)
    assert.equal(merged('cert-authority', { verifyRequired: true }).verifyRequired, true)
    assert.equal(merged('cert-authority,verify-required', {}).verifyRequired, true)
  })
  test('force the command of either, or of both when it is the same', () => {
    assert.equal(merged('command="a"', {}).command, 'a')
    assert.equal(merged('cert-authority', { command: 'b' }).command, 'b')
    assert.equal(merged('command="a"', { command: 'a' }).command, 'a')
    assert.equal(both('command="a"', { command: 'b' }), 'forces another command than the line that lets it in')
  })
  test('keep what only lines can say', () => {
    const line = merged('cert-authority,environment="A=1",from="10.*",permitopen="h:1"', {})
    assert.deepEqual([line.environment, line.from, line.permitOpen], [[{ name: 'A', value: '1' }], ['10.*'], [{ host: 'h', port: 1 }]])
  })
})

// What -O and -V of ssh-keygen say of a certificate, and what they cannot say.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FatalError } from '../../src/fatal.ts'
import { readCertificateOptions, readValidity } from '../../src/ssh-keygen/certificate-options.ts'

const refused = (work: () => unknown, message: string): void =>
  assert.throws(work, (error: unknown) => error instanceof FatalError && error.exitCode === 255 && error.message === message)

const all = ['permit-X11-forwarding', 'permit-agent-forwarding', 'permit-port-forwarding', 'permit-pty', 'permit-user-rc']

describe('options of a certificate', () => {
  it('are all permissions for users and none for hosts', () => {
    assert.deepEqual(Object.keys(readCertificateOptions([], false).extensions).toSorted(), all)
    assert.deepEqual(readCertificateOptions([], true), { criticalOptions: {}, extensions: {} })
  })
  it('are taken and given in order, in any case', () => {
    const { extensions } = readCertificateOptions(['CLEAR', 'permit-PTY', 'permit-x11-forwarding', 'no-pty'], false)
    assert.deepEqual(extensions, { 'permit-X11-forwarding': true })
  })
  it('have texts, and names of one’s own', () => {
    assert.deepEqual(
      readCertificateOptions(
        ['force-command=a=b', 'source-address=10.0.0.0/8,::1', 'verify-required', 'critical:x=y', 'extension:z'],
        true,
      ),
      {
        criticalOptions: { 'force-command': 'a=b', 'source-address': '10.0.0.0/8,::1', 'verify-required': true, x: 'y' },
        extensions: { z: true },
      },
    )
  })
  it('are refused in the words of OpenSSH', () => {
    refused(() => readCertificateOptions(['permit-everything'], false), 'Unsupported certificate option "permit-everything"')
    refused(() => readCertificateOptions(['force-command='], false), 'Empty force-command option')
    refused(() => readCertificateOptions(['force-command=a', 'force-command=b'], false), 'force-command already specified')
    refused(() => readCertificateOptions(['source-address=here'], false), 'Invalid source-address list')
  })
})

describe('when a certificate is valid', () => {
  const now = 1_700_000_000n
  const read = (text: string | undefined): readonly [bigint, bigint] => {
    const { validAfter, validBefore } = readValidity(text, now)
    return [validAfter, validBefore]
  }
  const forever = 0xffff_ffff_ffff_ffffn
  it('is always, unless something is said', () => assert.deepEqual(read(undefined), [0n, forever]))
  it('counts a span from now, and begins a minute before', () => assert.deepEqual(read('+1h'), [((now - 59n) / 60n) * 60n, now + 3600n]))
  it('has a beginning and an end, each in any form', () => {
    assert.deepEqual(read('-1d:+1w2d'), [now - 86_400n, now + 777_600n])
    assert.deepEqual(read('always:0xff'), [0n, 255n])
    assert.deepEqual(read('20200102030405Z:forever'), [1_577_934_245n, forever])
  })
  it('is refused in the words of OpenSSH', () => {
    for (const [text, message] of [
      ['+soon', 'Invalid relative certificate life +soon'],
      ['tomorrow', 'Invalid certificate life specification tomorrow'],
      [':x', 'Invalid certificate life specification :x'],
      ['x:', 'Invalid certificate life specification x:'],
      ['+x:forever', 'Invalid relative certificate time +x'],
      ['never:forever', 'Invalid from time "never"'],
      ['always:never', 'Invalid to time "never"'],
      ['0xzz:forever', 'Invalid hex time 0xzz'],
      ['-3000w:forever', 'Certificate time -3000w cannot be represented'],
      ['0x10:0x10', 'Empty certificate validity interval'],
    ] as const)
      refused(() => readValidity(text, now), message)
  })
})

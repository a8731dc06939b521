// EXT_INFO (RFC 8308): what a peer announces, and what still holds when it announces something again.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { laterExtensionInfo, readExtensionInfo, writeExtensionInfo } from '../../src/transport/extension-info.ts'

const told = (extensions: Readonly<Record<string, string>>) => readExtensionInfo(writeExtensionInfo(extensions))

describe('what a peer announces', () => {
  it('is read by name; what nobody knows is passed over', () => {
    assert.deepEqual(
      told({
        'server-sig-algs': 'ssh-ed25519,rsa-sha2-512',
        'agent-forward': '0',
        'ping@openssh.com': '0',
        'publickey-hostbound@openssh.com': '0',
        'what@example.org': 'x',
      }),
      {
        serverSignatureAlgorithms: ['ssh-ed25519', 'rsa-sha2-512'],
        ping: true,
        hostBound: true,
        duringAuthentication: false,
        agentForward: true,
      },
    )
  })
})

describe('a second announcement', () => {
  const first = told({
    'server-sig-algs': 'ssh-ed25519',
    'ping@openssh.com': '0',
    'publickey-hostbound@openssh.com': '0',
    'agent-forward': '0',
  })

  it('has the algorithms that count now, and takes nothing else away', () => {
    const later = laterExtensionInfo(first, told({ 'server-sig-algs': 'rsa-sha2-512' }))
    assert.deepEqual(later, { ...first, serverSignatureAlgorithms: ['rsa-sha2-512'] })
  })

  it('may add, and leaves the algorithms when it does not speak of them', () => {
    const later = laterExtensionInfo(told({ 'server-sig-algs': 'ssh-ed25519' }), told({ 'ping@openssh.com': '0' }))
    assert.deepEqual([later.serverSignatureAlgorithms, later.ping, later.agentForward], [['ssh-ed25519'], true, false])
  })

  it('is the first when there was none', () => {
    assert.equal(laterExtensionInfo(undefined, first), first)
  })
})

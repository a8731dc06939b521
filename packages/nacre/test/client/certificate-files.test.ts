// The certificates a client on Node shows: named, beside key files, and in which order with plain keys.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { CredentialQuestion } from '../../src/auth/questions.ts'
import { byRank } from '../../src/client/login-keys-node.ts'
import { openssh, type OpensshOptions } from '../../src/client/openssh-node.ts'
import type { IssueOptions } from '../../src/keys/authority.ts'
import { formatPublicKeyLine, parsePublicKey } from '../../src/keys/public.ts'
import { issue } from '../keys/certificates.ts'
import { publicKey, vector } from '../keys/fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-certificates-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
/** A key file, with its public half and a certificate beside it, as asked. */
const keyFile = async (
  name: string,
  beside: { readonly pub?: boolean; readonly certificate?: Partial<IssueOptions> } = {},
): Promise<string> => {
  const path = join(folder, `${++count}-${name}`)
  writeFileSync(path, vector(`${name}.key`), { mode: 0o600 })
  if (beside.pub === true) writeFileSync(`${path}.pub`, vector(`${name}.pub`))
  if (beside.certificate !== undefined) writeFileSync(`${path}-cert.pub`, await certificateLine(name, beside.certificate))
  return path
}
const certificateLine = async (name: string, changes: Partial<IssueOptions> = {}): Promise<string> =>
  formatPublicKeyLine(parsePublicKey((await issue({ key: publicKey(name), ...changes })).blob), 'certified')
const certificateFile = async (name: string, changes: Partial<IssueOptions> = {}): Promise<string> => {
  const path = join(folder, `${++count}-${name}-named-cert.pub`)
  writeFileSync(path, await certificateLine(name, changes))
  return path
}

/** What is offered, in order, and what is said. */
const offered = async (options: OpensshOptions) => {
  const notes: string[] = []
  const { identities } = await openssh('host.example', 22, {
    knownHostsFiles: [],
    agent: false,
    onNote: note => notes.push(note),
    ...options,
  })
  const question: CredentialQuestion = {
    is: 'credential',
    user: 'ada',
    remaining: ['publickey'],
    attempts: [],
    serverSignatureAlgorithms: ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-256', 'rsa-sha2-512'],
  } as unknown as CredentialQuestion
  const algorithms: string[] = []
  for (;;) {
    const credential = await identities.next(question)
    if (credential.method !== 'publickey') return { algorithms, notes }
    algorithms.push(credential.algorithm)
  }
}

describe('certificates', () => {
  test('beside key files go behind their keys', async () => {
    const identityFiles = [
      await keyFile('ed25519', { certificate: {} }),
      await keyFile('ecdsa256'),
      await keyFile('rsa2048', { pub: true, certificate: {} }),
    ]
    const { algorithms, notes } = await offered({ identityFiles })
    assert.deepEqual(algorithms, [
      'ssh-ed25519',
      'ssh-ed25519-cert-v01@openssh.com',
      'ecdsa-sha2-nistp256',
      'rsa-sha2-512',
      'rsa-sha2-512-cert-v01@openssh.com',
    ])
    assert.deepEqual(notes, [])
  })
  test('that are named go before all, and those beside files are then left out', async () => {
    const identityFiles = [await keyFile('ed25519', { certificate: {} }), await keyFile('ecdsa256', { pub: true })]
    const { algorithms } = await offered({ identityFiles, certificateFiles: [await certificateFile('ecdsa256')] })
    assert.deepEqual(algorithms, ['ecdsa-sha2-nistp256-cert-v01@openssh.com', 'ssh-ed25519', 'ecdsa-sha2-nistp256'])
  })
  test('that cannot be shown are told of, and the keys are offered', async () => {
    const identityFiles = [
      await keyFile('ed25519', { certificate: { kind: 'host' } }),
      await keyFile('ecdsa256', { certificate: { key: publicKey('rsa2048') } }),
    ]
    const beside = await offered({ identityFiles })
    assert.deepEqual(beside.algorithms, ['ssh-ed25519', 'ecdsa-sha2-nistp256'])
    assert.match(beside.notes.join('\n'), /is that of a host, which nobody can log in with, so it is not shown/)

    const plain = join(folder, 'plain.pub')
    writeFileSync(plain, vector('ed25519.pub'))
    const damaged = join(folder, 'damaged-cert.pub')
    writeFileSync(damaged, 'ssh-ed25519-cert-v01@openssh.com AAAA')
    const { algorithms, notes } = await offered({
      identityFiles: [identityFiles[0]],
      certificateFiles: ['/nowhere', plain, damaged, await certificateFile('rsa2048')],
    })
    assert.deepEqual(algorithms, ['ssh-ed25519'])
    for (const [index, words] of [
      /The certificate file \/nowhere does not exist/,
      /plain\.pub has a key and no certificate/,
      /damaged-cert\.pub is not used/,
      /neither the agent nor a key file has its private key/,
    ].entries())
      assert.match(notes[index] ?? '', words)
  })
  test('are asked for by PubkeyAcceptedAlgorithms, or not', async () => {
    const identityFiles = [await keyFile('ed25519', { certificate: {} })]
    const plainOnly = await offered({ identityFiles, signatureAlgorithms: ['ssh-ed25519'] })
    assert.deepEqual(plainOnly.algorithms, ['ssh-ed25519'])
    const certificatesOnly = await offered({ identityFiles, signatureAlgorithms: ['ssh-ed25519-cert-v01@openssh.com'] })
    assert.deepEqual(certificatesOnly.algorithms, ['ssh-ed25519-cert-v01@openssh.com'])
  })
})

test('of what nobody named, certificates go first; the rest keeps its place', async () => {
  const certificate = (await issue()).blob
  const place = (offer: string, named: boolean, certified = false) => ({ offer, named, ...(certified ? { certificate } : {}) })
  assert.deepEqual(byRank([place('a', false), place('b', false, true), place('c', false), place('d', false, true)]), ['b', 'd', 'a', 'c'])
  assert.deepEqual(byRank([place('a', true), place('b', true, true), place('c', false), place('d', false, true)]), ['a', 'b', 'd', 'c'])
  assert.deepEqual(byRank([place('a', false), place('b', true), place('c', false, true)]), ['c', 'b', 'a'])
})

test('RSA keys that are too short by the limit that was given are not offered, and that is said', async () => {
  const identityFiles = [await keyFile('rsa2048'), await keyFile('ed25519')]
  const { algorithms, notes } = await offered({ identityFiles, minimumRsaBits: 3072 })
  assert.deepEqual(algorithms, ['ssh-ed25519'])
  assert.match(notes.join('\n'), /rsa2048 has 2048 bits, and RSA keys need at least 3072, so it is not used/)
})

test('where an authority is trusted for the host, certificates are asked for first', async () => {
  const known = join(folder, 'known_hosts')
  writeFileSync(known, `@cert-authority *.example ${vector('ed25519.pub')}host.example ${vector('ecdsa256.pub')}`)
  const { identities } = await openssh('host.example', 22, { knownHostsFiles: [known], agent: false })
  assert.ok(identities.preferHostKeys?.includes('ssh-ed25519-cert-v01@openssh.com'))
  assert.equal(identities.preferHostKeys?.at(-1), 'ecdsa-sha2-nistp256')
})

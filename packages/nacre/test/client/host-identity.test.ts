// Which host key vouches for a user next, mechanisms of GSS-API, and where both stand in the order of a login.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyTypes } from '../../src/algorithms/signature/table.ts'
import type { Credential, CredentialQuestion } from '../../src/auth/questions.ts'
import { type CredentialOptions, credentials } from '../../src/client/identities.ts'
import { publicKeyOf } from '../../src/keys/public.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { fakeMechanism } from '../auth/gss-mechanism.ts'

const question = (remaining?: readonly string[], accepted?: readonly string[]): CredentialQuestion => ({
  is: 'credential',
  user: 'bob',
  remaining,
  attempts: [],
  serverSignatureAlgorithms: accepted,
})
const ed25519 = keyTypes.find(row => row.name === 'ssh-ed25519')
assert.ok(ed25519)
const signer = (source: string, ...algorithms: string[]): Signer => ({
  publicKey: publicKeyOf(ed25519, { kind: 'ed25519', publicKey: new Uint8Array(32).fill(source.length) }),
  algorithms,
  source,
  slow: false,
  sign: () => new Uint8Array(1),
})
const eddsa = signer('a', 'ssh-ed25519')
const rsa = signer('bb', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa')
const ecdsa = signer('ccc', 'ecdsa-sha2-nistp256')
const host = { host: 'desk.example.org', user: 'lovelace', signers: [rsa, eddsa, ecdsa] }
const shown = (credential: Credential): string =>
  credential.method === 'hostbased' ? `hostbased ${credential.source} ${credential.algorithm}` : credential.method
const walk = async (options: CredentialOptions, remaining: readonly string[], accepted?: readonly string[]) => {
  const { next } = credentials(options)
  const tried = [shown(await next(question()))]
  while (tried.at(-1) !== 'give-up') tried.push(shown(await next(question(remaining, accepted))))
  return tried
}

describe('a host that vouches', () => {
  it('is asked after "none", before keys, once with each of its keys', async () => {
    assert.deepEqual(await walk({ hostBased: host, signers: [eddsa], password: 'x' }, ['hostbased', 'publickey', 'password']), [
      'none',
      'hostbased bb rsa-sha2-512',
      'hostbased a ssh-ed25519',
      'hostbased ccc ecdsa-sha2-nistp256',
      'publickey',
      'password',
      'give-up',
    ])
  })
  it('uses what stands first in the list of algorithms first, whichever key that takes', async () => {
    const algorithms = ['ecdsa-sha2-nistp256', 'rsa-sha2-256', 'rsa-sha2-512']
    const options = { hostBased: { ...host, algorithms } }
    const tried = await walk(options, ['hostbased'])
    assert.deepEqual(tried.slice(1), ['hostbased ccc ecdsa-sha2-nistp256', 'hostbased bb rsa-sha2-256', 'give-up'])
  })
  it('says with which words a key is left out', async () => {
    const { next } = credentials({ hostBased: { ...host, algorithms: ['rsa-sha2-512'] } })
    await next(question())
    await next(question(['hostbased']))
    const last = await next(question(['hostbased']))
    assert.ok(last.method === 'give-up')
    assert.deepEqual(
      last.notes.map(({ method, outcome, source, note }) => [method, outcome, source, note]),
      [
        ['hostbased', 'skipped', 'a', 'we use none of ssh-ed25519 (HostbasedAcceptedAlgorithms)'],
        ['hostbased', 'skipped', 'ccc', 'we use none of ecdsa-sha2-nistp256 (HostbasedAcceptedAlgorithms)'],
      ],
    )
  })
  it('chooses of several algorithms one that the server lists', async () => {
    const options = { hostBased: { ...host, signers: [rsa] } }
    assert.deepEqual((await walk(options, ['hostbased'], ['ssh-ed25519', 'rsa-sha2-256']))[1], 'hostbased bb rsa-sha2-256')
    assert.deepEqual((await walk(options, ['hostbased'], ['ssh-ed25519']))[1], 'hostbased bb rsa-sha2-512')
  })
  it('is named with a dot at the end, and its keys sign', async () => {
    const { next } = credentials({ hostBased: () => Promise.resolve(host) })
    await next(question())
    const credential = await next(question(['hostbased']))
    assert.ok(credential.method === 'hostbased')
    assert.deepEqual([credential.clientHost, credential.clientUser], ['desk.example.org.', 'lovelace'])
    assert.deepEqual(await credential.sign(new Uint8Array(1), 'rsa-sha2-512'), new Uint8Array(1))
  })
  it('is looked for once, and only where the server takes it', async () => {
    let asked = 0
    const hostBased = () => {
      asked++
      return undefined
    }
    await walk({ hostBased, password: 'x' }, ['password'])
    assert.equal(asked, 0)
    await walk({ hostBased, password: 'x' }, ['hostbased', 'password'])
    assert.equal(asked, 1)
  })
  it('is not asked where it is not preferred', async () => {
    assert.deepEqual(await walk({ hostBased: host, signers: [eddsa], preferred: ['publickey'] }, ['hostbased', 'publickey']), [
      'publickey',
      'give-up',
    ])
  })
})

describe('mechanisms of GSS-API', () => {
  it('come first, each way once', async () => {
    const gss = { mechanisms: [fakeMechanism()], exchanged: () => fakeMechanism().accept() }
    const methods = ['publickey', 'gssapi-keyex', 'gssapi-with-mic']
    assert.deepEqual(await walk({ gss, signers: [eddsa] }, methods), ['none', 'gssapi-keyex', 'gssapi-with-mic', 'publickey', 'give-up'])
  })
  it('are not tried where none of them can begin, or no key exchange left anything', async () => {
    const { accept, identifier, name } = fakeMechanism()
    const gss = { mechanisms: [{ accept, identifier, name }], exchanged: () => undefined }
    assert.deepEqual(await walk({ gss }, ['gssapi-keyex', 'gssapi-with-mic']), ['none', 'give-up'])
  })
})

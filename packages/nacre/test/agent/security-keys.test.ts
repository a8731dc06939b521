// Keys that lie in a security key: held and listed by the agent, signed with by whoever reaches the token.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AgentOptions, SecurityKeyUse } from '../../src/agent/agent.ts'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { bytes, encode, struct, text } from '../../src/wire/codec.ts'
import { Writer } from '../../src/wire/writer.ts'
import { crypto, privateKey } from '../keys/fixtures.ts'
import { agentRig, data, proofOf } from './rig.ts'
import { publickeySignedData } from '../../src/auth/methods/publickey.ts'

const inside = privateKey('ed25519').revealNumbers()
assert.ok(inside.kind === 'ed25519')
const numbersFor = (application: string) =>
  ({
    kind: 'sk-ed25519',
    publicKey: inside.publicKey,
    application,
    flags: 1,
    keyHandle: new TextEncoder().encode('the handle'),
    reserved: new Uint8Array(0),
  }) as const
const keyFor = (application: string) => ({ key: new PrivateKey(numbersFor(application)), certificate: undefined })

/** What a token does: PROTOCOL.u2f. */
const token = async ({ application, data: signed }: SecurityKeyUse): Promise<Uint8Array> => {
  const behind = Uint8Array.of(1, 0, 0, 0, 42)
  const message = Uint8Array.of(
    ...crypto.hash('sha256', new TextEncoder().encode(application)),
    ...behind,
    ...crypto.hash('sha256', signed),
  )
  const raw = await crypto.signingKey(inside).sign(undefined, message)
  const writer = new Writer()
  writer.text('sk-ssh-ed25519@openssh.com')
  writer.string(raw)
  writer.fixed(behind)
  return writer.written().slice()
}

const rigFor = async (application: string, options: Partial<AgentOptions> = {}) => {
  const uses: SecurityKeyUse[] = []
  const signBySecurityKey = (use: SecurityKeyUse): Promise<Uint8Array> => {
    uses.push(use)
    return token(use)
  }
  const rig = agentRig({ signBySecurityKey, ...options })
  const client = rig.client()
  const identity = keyFor(application)
  await client.add(identity, 'token', { skProvider: 'internal' })
  return { ...rig, client, uses, blob: identity.key.publicBlob, publicKey: identity.key.publicKey }
}
const algorithm = 'sk-ssh-ed25519@openssh.com'
const refused = { code: 'AGENT_REFUSED' }

describe('a key in a security key', () => {
  test('signs by the token, which is told all it needs', async () => {
    const { client, uses, blob } = await rigFor('ssh:')
    const signature = await client.sign(blob, data, algorithm)
    const tables = { signatures: signatureAlgorithms, keyTypes }
    assert.ok(verifySignature(crypto, tables, { publicKey: blob, algorithm, data, signature }))
    const [use] = uses
    assert.deepEqual(
      [use.application, use.flags, use.provider, new TextDecoder().decode(use.keyHandle)],
      ['ssh:', 1, 'internal', 'the handle'],
    )
  })

  test('of a web page signs logins and files, and no challenge of a page', async () => {
    const { client, blob, publicKey } = await rigFor('https://example.org')
    await assert.rejects(client.sign(blob, data, algorithm), refused)
    await assert.rejects(client.sign(blob, new TextEncoder().encode('SSHSIG'), algorithm), refused)
    const { sessionId } = await proofOf('ecdsa256', 1)
    await client.sign(blob, publickeySignedData({ sessionId, user: 'ann', service: 'ssh-connection' }, publicKey.type, blob), algorithm)
    const file = encode(struct({ namespace: text, reserved: bytes, hash: text, digest: bytes }), {
      namespace: 'file',
      reserved: new Uint8Array(0),
      hash: 'sha512',
      digest: new Uint8Array(64),
    })
    await client.sign(blob, Uint8Array.of(...new TextEncoder().encode('SSHSIG'), ...file), algorithm)
  })

  test('of a web page that is trusted signs anything', async () => {
    const { client, blob } = await rigFor('https://example.org', { websafe: ['ssh:*', 'https://example.org'] })
    await client.sign(blob, data, algorithm)
  })

  test('is not taken where no token can be reached, and does not sign when the token fails', async () => {
    const without = agentRig()
    const client = without.client()
    const identity = keyFor('ssh:')
    await assert.rejects(client.add(identity, 'token', { skProvider: 'internal' }), refused)
    await assert.rejects(client.add(identity, 'token'), refused)
    assert.match(without.notes.join(), /lies in a security key, which this agent cannot reach/)
    assert.ok(without.agent.add(identity, 'held by whoever made the agent'))
    await assert.rejects(client.sign(identity.key.publicBlob, data, algorithm), refused)
    const { client: failing, blob } = await rigFor('ssh:', { signBySecurityKey: () => Promise.reject(new Error('nobody touched it')) })
    await assert.rejects(failing.sign(blob, data, algorithm), refused)
    assert.equal((await failing.list()).length, 1)
  })
})

describe('the library of a token', () => {
  const add = async (options: Partial<AgentOptions>, bound: boolean): Promise<string | undefined> => {
    let provider: string | undefined
    const rig = agentRig({
      signBySecurityKey: use => {
        ;({ provider } = use)
        return token(use)
      },
      ...options,
    })
    const client = rig.client()
    if (bound) await client.bindSession(await proofOf('ecdsa256', 1), true)
    const identity = keyFor('ssh:')
    await client.add(identity, 'token', { skProvider: '/usr/lib/sk.so' })
    await client.sign(identity.key.publicBlob, data, algorithm)
    return provider
  }
  const resolveProvider = (path: string): string => `/real${path}`

  test('is the one it really is', async () => {
    assert.equal(await add({ resolveProvider }, false), '/real/usr/lib/sk.so')
  })
  test('is not taken when it may not be used, and over a forwarded connection only when that is allowed', async () => {
    await assert.rejects(add({}, false), refused)
    await assert.rejects(add({ resolveProvider: () => undefined }, false), refused)
    await assert.rejects(add({ resolveProvider }, true), refused)
    assert.equal(await add({ resolveProvider, allowRemoteProviders: true }, true), '/real/usr/lib/sk.so')
  })
})

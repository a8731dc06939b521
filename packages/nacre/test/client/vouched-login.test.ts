// Whole logins, engine to engine, by those who vouch: a host by its key, a mechanism of GSS-API at once or later. And what was
// written down of one goes again as it went.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { type CredentialOptions, credentials } from '../../src/client/identities.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import type { Transcript } from '../../src/engine/config.ts'
import { transcriptLines } from '../../src/engine/transcript.ts'
import { AuthenticationError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { gssapi } from '../../src/server/authenticators/gssapi.ts'
import { hostBased } from '../../src/server/authenticators/host-based.ts'
import type { Authenticator } from '../../src/server/authenticate.ts'
import { Server } from '../../src/server/create.ts'
import { explainDifference, replay } from '../../src/testing/replay.ts'
import { parseTranscript } from '../../src/testing/transcript.ts'
import { fakeMechanism } from '../auth/gss-mechanism.ts'

const signer = async (source: string) => createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), source)

const login = async <Identity>(
  authenticate: Authenticator<Identity>,
  options: CredentialOptions,
  transcripts: { readonly client?: Transcript; readonly server?: Transcript } = {},
): Promise<Identity | AuthenticationError> => {
  const [ours, theirs] = memoryPair()
  let identity: unknown
  await using server = new Server<Identity>(
    {
      hostKeys: [await signer('host')],
      authenticate,
      session: connection => {
        identity = connection.identity
        return {}
      },
      refusalFloor: () => 0,
      onEvent: event => {
        if (event.is === 'authenticated') ({ identity } = event)
      },
      ...(transcripts.server === undefined ? {} : { transcript: transcripts.server }),
    },
    nodeRuntime(),
  )
  server.accept(theirs)
  try {
    await using _ = await connectOver(
      ours,
      {
        user: 'ada',
        host: 'test',
        port: 22,
        hostKey: insecureAcceptAnyHostKey,
        identities: credentials(options),
        ...(transcripts.client === undefined ? {} : { transcript: transcripts.client }),
      },
      nodeRuntime(),
    )
    return identity as Identity
  } catch (error) {
    assert.ok(error instanceof AuthenticationError, String(error))
    return error
  }
}

const desk = await signer('desk')
const stranger = await signer('stranger')
const known = hostBased((applicant, { host, user, blob }) =>
  host === 'desk.example.org' && desk.publicKey.equals(blob) && user === 'lovelace' && applicant.user === 'ada' ? user : undefined,
)
const vouched = { host: 'desk.example.org', user: 'lovelace', signers: [desk] }

describe('a host', () => {
  it('that is known vouches for its user', async () => assert.equal(await login(known, { hostBased: vouched }), 'lovelace'))
  for (const [what, change] of [
    ['under another name', { host: 'cellar.example.org' }],
    ['for another of its users', { user: 'babbage' }],
    ['with a key that is not known', { signers: [stranger] }],
  ] as const)
    it(`does not, ${what}`, async () => {
      const error = await login(known, { hostBased: { ...vouched, ...change } })
      assert.ok(error instanceof AuthenticationError)
      assert.deepEqual(
        error.attempts.map(each => `${each.method} ${each.outcome}`),
        ['none refused', 'hostbased refused'],
      )
    })
  it('is written down so that both sides go again as they went', async () => {
    const written = { client: [] as string[], server: [] as string[] }
    const transcripts = {
      client: transcriptLines(line => written.client.push(line)),
      server: transcriptLines(line => written.server.push(line)),
    }
    assert.equal(await login(known, { hostBased: vouched }, transcripts), 'lovelace')
    for (const lines of [written.client, written.server]) {
      const difference = replay(parseTranscript(`${lines.join('\n')}\n`))
      assert.equal(difference && explainDifference(difference), undefined)
    }
  })
})

describe('a mechanism', () => {
  const authenticate = gssapi([fakeMechanism()], (applicant, { initiator }) => initiator === `${applicant.user}@TEST` && { initiator })
  for (const slow of [false, true])
    it(`that answers ${slow ? 'later' : 'at once'} says who it is`, async () => {
      const server = gssapi([fakeMechanism({ slow })], (_, { initiator }) => ({ initiator }))
      assert.deepEqual(await login(server, { gss: { mechanisms: [fakeMechanism({ slow })] } }), { initiator: 'ada@TEST' })
    })
  it('that proves another name does not let in', async () => {
    assert.ok((await login(authenticate, { gss: { mechanisms: [fakeMechanism({ who: 'eve@TEST' })] } })) instanceof AuthenticationError)
  })
  it('the server does not have is passed over', async () => {
    const error = await login(authenticate, { gss: { mechanisms: [fakeMechanism({ arc: 77 })] } })
    assert.ok(error instanceof AuthenticationError)
    assert.match(error.message, /none of our mechanisms/)
  })
  it('without the context of a key exchange, gssapi-keyex is not tried, and refused when it is', async () => {
    const server = gssapi([fakeMechanism()], () => true, { keyExchange: true })
    const gss = { mechanisms: [], exchanged: () => fakeMechanism().initiate() }
    const error = await login(server, { gss })
    assert.ok(error instanceof AuthenticationError)
    assert.deepEqual(
      error.attempts.map(each => `${each.method} ${each.outcome}`),
      ['none refused', 'gssapi-keyex refused'],
    )
  })
})

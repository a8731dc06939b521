// What is told of a login as it happens: each try before it is made, each answer when it comes, once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials, type CredentialOptions } from '../../src/client/identities.ts'
import type { LoginStep } from '../../src/client/login-steps.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { Server } from '../../src/server/create.ts'
import type { Authenticator } from '../../src/server/authenticate.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { signerOf } from '../keys/certificates.ts'

const signer = (name: string, source: string, slow = false): Signer => ({ ...signerOf(name), source, slow })

/** The steps of a login, in short, with the fingerprints by the source of their keys. */
const stepsOf = async (authenticate: Authenticator<unknown>, options: CredentialOptions): Promise<readonly string[]> => {
  const [ours, theirs] = memoryPair()
  await using server = new Server({ hostKeys: [signerOf('ed25519')], authenticate, session: {}, refusalFloor: () => 0 }, nodeRuntime())
  server.accept(theirs)
  const steps: LoginStep[] = []
  try {
    const connection = await connectOver(
      ours,
      {
        ...{ user: 'bob', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities: credentials(options) },
        onStep: step => steps.push(step),
      },
      nodeRuntime(),
    )
    await connection.close()
  } catch {
    // Who is not let in has been told the steps too.
  }
  return steps.map(step => {
    switch (step.is) {
      case 'trying':
        return `${step.asks ? 'asking about' : 'trying'} ${step.method} ${step.source ?? ''}`.trim()
      case 'signing':
        return `signing ${step.source}`
      case 'prompted':
        return `asked ${step.prompts}`
      case 'answered':
        return `${step.attempt.method} ${step.attempt.outcome}, left ${step.attempt.remaining.join(' ') || 'nothing'}`
      case 'given-up':
        return `given up, not tried ${step.notes.map(each => each.note ?? '').join()}`.trim()
    }
  })
}

/** Lets in by one key. */
const takes = (name: string): Authenticator<unknown> =>
  publicKey((_, key) => key.fingerprint() === signerOf(name).publicKey.fingerprint() && { name })

describe('each step of a login is told', () => {
  test('by keys, refused, asked about, and signed with', async () => {
    const signers = [signer('ecdsa256', 'one'), signer('rsa2048', 'two', true), signer('ed25519', 'three', true)]
    assert.deepEqual(await stepsOf(takes('ed25519'), { signers }), [
      'trying publickey one',
      'publickey refused, left publickey',
      'asking about publickey two',
      'publickey refused, left publickey',
      'asking about publickey three',
      'signing three',
      'publickey accepted, left nothing',
    ])
  })
  test('by questions, and that nothing is left', async () => {
    const asks: Authenticator<unknown> = {
      methods: ['keyboard-interactive'],
      begin: () => ({
        remaining: () => ['keyboard-interactive'],
        attempt: attempt =>
          attempt.method === 'keyboard-interactive'
            ? {
                is: 'prompt',
                name: '',
                instruction: '',
                prompts: [
                  { prompt: 'First: ', echo: false },
                  { prompt: 'Second: ', echo: true },
                ],
              }
            : { is: 'refuse' },
      }),
    }
    assert.deepEqual(await stepsOf(asks, { answer: ({ prompts }) => prompts.map(() => 'no'), passwordPrompts: 1 }), [
      'trying none',
      'none refused, left keyboard-interactive',
      'trying keyboard-interactive prompt',
      'asked 2',
      'keyboard-interactive refused, left keyboard-interactive',
      'given up, not tried',
    ])
  })
  test('with no secret in it', async () => {
    const steps: LoginStep[] = []
    const [ours, theirs] = memoryPair()
    const authenticate = password(() => undefined)
    await using server = new Server({ hostKeys: [signerOf('ed25519')], authenticate, session: {}, refusalFloor: () => 0 }, nodeRuntime())
    server.accept(theirs)
    const identities = credentials({ password: new Secret('hush') })
    await assert.rejects(
      connectOver(
        ours,
        { user: 'bob', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities, onStep: step => steps.push(step) },
        nodeRuntime(),
      ),
    )
    assert.ok(steps.some(step => step.is === 'trying' && step.method === 'password'))
    assert.doesNotMatch(JSON.stringify(steps), /hush/)
  })
})

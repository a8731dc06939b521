// Client, server and authenticators joined in memory: whole logins as the wire sees them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../src/auth/client.ts'
import type { ClientAuthQuestion, Credential } from '../../src/auth/questions.ts'
import { serverAuthentication } from '../../src/auth/server.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { AuthenticationError, ProtocolError } from '../../src/errors.ts'
import { Ending } from '../../src/io/ending.ts'
import { answerAttempts, type Authenticator } from '../../src/server/authenticate.ts'
import { allOf, firstOf } from '../../src/server/authenticators/combine.ts'
import { password, passwordExpired } from '../../src/server/authenticators/password.ts'
import { prompts } from '../../src/server/authenticators/prompts.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { clientRun, keyCredential, serverRun } from '../auth/fixtures.ts'
import { converse } from '../dialogue.ts'
import { handClock, mine, yours } from './login.ts'

const staff = publicKey((applicant, key) => (key.fingerprint() === mine.fingerprint ? { name: applicant.user } : undefined))
const code = prompts(async t => ((await t.ask('Code: ')) === '42' ? { mfa: true } : undefined))
const legacy = password((_, secret) => (secret.reveal() === 'old' ? passwordExpired() : undefined), {
  change: (_, old, fresh) => (old.reveal() === 'old' ? { changed: fresh.reveal() } : undefined),
})

/** Tries the credentials in order. */
const attemptLogin = (authenticator: Authenticator<unknown>, credentials: readonly Credential[], responses: readonly string[] = []) => {
  const left = [...credentials]
  const codes = [...responses]
  return converse(
    {
      dialogue: clientAuthentication(clientRun()),
      answer: (question: ClientAuthQuestion) => {
        if (question.is === 'credential') return left.shift() ?? { method: 'give-up', notes: [] }
        if (question.is === 'signature') return question.credential.sign(question.data, question.credential.algorithm)
        if (question.is === 'prompts') return question.prompts.map(() => codes.shift() ?? '')
        return new Secret('new')
      },
    },
    {
      dialogue: serverAuthentication(serverRun({ methods: authenticator.methods, banner: 'Welcome.' })),
      answer: answerAttempts(authenticator, {
        remote: undefined,
        ending: new Ending(),
        clock: handClock(),
        floor: () => 0,
        onError: error => assert.fail(String(error)),
      }),
    },
  )
}
const none: Credential = { method: 'none' }
const talk: Credential = { method: 'keyboard-interactive', submethods: '', source: 'prompt' }
const oldPassword: Credential = { method: 'password', password: new Secret('old'), source: 'prompt' }

describe('a login', () => {
  const gate = firstOf(allOf(staff, code), legacy)
  test('by key, then code', async () => {
    const { left, right } = await attemptLogin(gate, [none, keyCredential(yours), keyCredential(mine), talk, talk], ['41', '42'])
    assert.deepEqual(right.identity, { name: 'ada', mfa: true })
    assert.deepEqual(right.methods, ['publickey', 'keyboard-interactive'])
    assert.deepEqual(
      left.attempts.map(each => `${each.method} ${each.outcome} ${each.remaining}`),
      [
        'none refused publickey,password',
        'publickey refused publickey,password',
        'publickey partial keyboard-interactive,password',
        'keyboard-interactive refused keyboard-interactive,password',
        'keyboard-interactive accepted ',
      ],
    )
  })
  test('by a password that has to be changed', async () => {
    const { right } = await attemptLogin(gate, [oldPassword])
    assert.deepEqual(right.identity, { changed: 'new' })
  })
  test('that stops half way', async () => {
    await assert.rejects(attemptLogin(gate, [keyCredential(mine), talk], ['41']), (error: unknown) => {
      assert.ok(error instanceof AuthenticationError)
      assert.match(
        error.message,
        /publickey SHA256:\S+ from ~\/\.ssh\/id_ed25519: accepted, but the server wants more: keyboard-interactive, password/,
      )
      return true
    })
  })
  test('with too many keys', async () => {
    await assert.rejects(
      attemptLogin(
        gate,
        Array.from({ length: 9 }, () => keyCredential(yours)),
      ),
      (error: unknown) => error instanceof ProtocolError && error.violation === 'too-many-auth-attempts',
    )
  })
})

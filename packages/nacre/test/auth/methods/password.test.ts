// password (RFC 4252 §8), with the change of an expired one, on both sides.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthFailure, UserauthPasswdChangereq, UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import type { NewPasswordQuestion } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { Secret } from '../../../src/crypto/secret.ts'
import { AuthenticationError, ProtocolError, WireError } from '../../../src/errors.ts'
import { asks, gives, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import { accept, changeDetails, clientRun, passwordDetails, recorder, refuse, request, serverRun } from '../fixtures.ts'

describe('the server', () => {
  const tries = (password: string) => gives(UserauthRequest, request('password', passwordDetails(password)))
  const changes = (old: string, fresh: string) => gives(UserauthRequest, request('password', changeDetails(old, fresh)))

  test('lets in, or refuses', () => {
    const result = returned(
      play(serverAuthentication(serverRun()), [
        tries('wrong'),
        asks('attempt', refuse('password')),
        sends(UserauthFailure),
        tries('right'),
        asks('attempt', accept('ada')),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['password'])
  })
  test('hands the password on as a secret', () => {
    const seen = recorder()
    play(serverAuthentication(serverRun()), [tries('pä55'), asks('attempt', seen.answer(refuse()))])
    const { attempt } = seen.questions[0]
    assert.ok(attempt.method === 'password')
    assert.equal(attempt.password.reveal(), 'pä55')
    assert.doesNotMatch(inspect(seen.questions, { depth: 9 }) + JSON.stringify(seen.questions), /pä55/)
  })
  test('asks for a new password, and takes it', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun({ maximumAttempts: 1 })), [
        tries('old'),
        asks('attempt', { is: 'change-password', prompt: 'Your password has expired.' }),
        sends(UserauthPasswdChangereq, { prompt: 'Your password has expired.', languageTag: '' }),
        changes('old', 'new'),
        asks('attempt', seen.answer(accept('ada'))),
        sends(UserauthSuccess),
      ]),
    )
    assert.equal(result.identity, 'ada')
    const { attempt } = seen.questions[0]
    assert.ok(attempt.method === 'password-change')
    assert.deepEqual([attempt.oldPassword.reveal(), attempt.newPassword.reveal()], ['old', 'new'])
    assert.doesNotMatch(inspect(attempt), /old'|new'/)
  })
  test('may refuse a new password by asking again', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        tries('old'),
        asks('attempt', { is: 'change-password', prompt: 'expired' }),
        sends(UserauthPasswdChangereq),
        changes('old', '123'),
        asks('attempt', { is: 'change-password', prompt: 'too short' }),
        sends(UserauthPasswdChangereq, { prompt: 'too short' }),
      ]),
    )
  })
  test('gives a verdict on a change that nobody asked for', () => {
    waits(play(serverAuthentication(serverRun()), [changes('old', 'new'), asks('attempt', refuse('password')), sends(UserauthFailure)]))
  })
  for (const [what, details] of [
    ['without fields', new Uint8Array(0)],
    ['with a new password but the flag unset', Uint8Array.of(0, ...changeDetails('old', 'new').subarray(1))],
    ['with the flag set but no new password', Uint8Array.of(1, ...passwordDetails('old').subarray(1))],
    ['that is not UTF-8', Uint8Array.of(0, 0, 0, 0, 1, 0xff)],
  ] as const) {
    test(`calls a request malformed: ${what}`, () => {
      thrown(play(serverAuthentication(serverRun()), [gives(UserauthRequest, request('password', details))]), WireError)
    })
  }
})

describe('the client', () => {
  const password = asks('credential', { method: 'password', password: new Secret('old'), source: 'prompt' })
  const giveUp = asks('credential', { method: 'give-up', notes: [] })
  const sendsPassword = sends(UserauthRequest, { methodName: 'password', details: passwordDetails('old') })
  const wantsChange = (prompt: string) => gives(UserauthPasswdChangereq, { prompt, languageTag: 'en' })
  const success = gives(UserauthSuccess, {})
  const failure = (partialSuccess: boolean) => gives(UserauthFailure, { canContinue: ['password'], partialSuccess })

  test('changes the password when asked to', () => {
    const prompts: string[] = []
    const chooses = (fresh: string) =>
      asks<NewPasswordQuestion>('new-password', (question: NewPasswordQuestion) => {
        prompts.push(question.prompt)
        return new Secret(fresh)
      })
    const changed = (fresh: string) => sends(UserauthRequest, { methodName: 'password', details: changeDetails('old', fresh) })
    returned(
      play(clientAuthentication(clientRun()), [
        password,
        sendsPassword,
        wantsChange('expired'),
        chooses('123'),
        changed('123'),
        wantsChange('too short'),
        chooses('12345'),
        changed('12345'),
        success,
      ]),
    )
    assert.deepEqual(prompts, ['expired', 'too short'])
  })
  test('a change that is refused is a refusal, with a note', () => {
    const lines = [
      password,
      sendsPassword,
      wantsChange('expired'),
      asks('new-password', new Secret('new')),
      sends(UserauthRequest),
      failure(false),
      giveUp,
    ]
    const [attempt] = thrown(play(clientAuthentication(clientRun()), lines), AuthenticationError).attempts
    assert.deepEqual(attempt, {
      method: 'password',
      source: 'prompt',
      outcome: 'refused',
      remaining: ['password'],
      note: 'after a change of password',
    })
  })
  test('a change that was made, with more to prove, is a partial success', () => {
    const lines = [
      password,
      sendsPassword,
      wantsChange('expired'),
      asks('new-password', new Secret('new')),
      sends(UserauthRequest),
      failure(true),
      giveUp,
    ]
    assert.equal(thrown(play(clientAuthentication(clientRun()), lines), AuthenticationError).attempts[0].outcome, 'partial')
  })
  test('nobody has to choose a new one', () => {
    const [attempt] = thrown(
      play(clientAuthentication(clientRun()), [password, sendsPassword, wantsChange('expired'), asks('new-password', undefined), giveUp]),
      AuthenticationError,
    ).attempts
    assert.deepEqual([attempt.outcome, attempt.note], ['skipped', 'the password has expired and no new one was given'])
  })
  test('a server that is never content is taken for a loop', () => {
    const round = [wantsChange('again'), asks('new-password', new Secret('new')), sends(UserauthRequest)]
    const lines = [password, sendsPassword, ...Array.from({ length: 10 }, () => round).flat(), wantsChange('again')]
    assert.equal(thrown(play(clientAuthentication(clientRun()), lines), ProtocolError).violation, 'auth-request-limit')
  })
})

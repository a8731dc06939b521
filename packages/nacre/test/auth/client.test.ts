// The client's loop: which credential comes next, what is recorded, banners, limits, and giving up.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../src/auth/client.ts'
import { UserauthBanner, UserauthFailure, UserauthPkOk, UserauthRequest, UserauthSuccess } from '../../src/auth/messages.ts'
import type { Credential, CredentialQuestion } from '../../src/auth/questions.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { AuthenticationError, ProtocolError } from '../../src/errors.ts'
import { asks, gives, play, returned, sends, thrown } from '../dialogue.ts'
import { clientRun, keyCredential, noDetails, passwordDetails, testKey } from './fixtures.ts'

const none: Credential = { method: 'none' }
const giveUp: Credential = { method: 'give-up', notes: [] }
const password: Credential = { method: 'password', password: new Secret('right'), source: 'prompt' }
const failure = (...canContinue: string[]) => gives(UserauthFailure, { canContinue, partialSuccess: false })
const partialSuccess = (...canContinue: string[]) => gives(UserauthFailure, { canContinue, partialSuccess: true })
const success = gives(UserauthSuccess, {})
const banner = (message: string) => gives(UserauthBanner, { message, languageTag: '' })

describe('the loop', () => {
  test('asks for the methods, then logs in by one of them', () => {
    const questions: CredentialQuestion[] = []
    const credential = (answer: Credential) =>
      asks<CredentialQuestion>('credential', (question: CredentialQuestion) => {
        questions.push(question)
        return answer
      })
    const result = returned(
      play(clientAuthentication(clientRun({ serverSignatureAlgorithms: () => ['ssh-ed25519'] })), [
        credential(none),
        sends(UserauthRequest, { userName: 'ada', serviceName: 'ssh-connection', methodName: 'none', details: noDetails }),
        failure('publickey', 'password'),
        credential(password),
        sends(UserauthRequest, {
          userName: 'ada',
          serviceName: 'ssh-connection',
          methodName: 'password',
          details: passwordDetails('right'),
        }),
        success,
      ]),
    )
    assert.deepEqual(result.attempts, [
      { method: 'none', outcome: 'refused', remaining: ['publickey', 'password'] },
      { method: 'password', source: 'prompt', outcome: 'accepted', remaining: [] },
    ])
    assert.deepEqual(
      questions.map(each => each.remaining),
      [undefined, ['publickey', 'password']],
    )
    assert.deepEqual(
      questions.map(each => each.attempts.length),
      [0, 1],
    )
    assert.deepEqual(questions[0].serverSignatureAlgorithms, ['ssh-ed25519'])
    assert.equal(questions[0].user, 'ada')
  })
  test('"none" may be enough', () => {
    const result = returned(play(clientAuthentication(clientRun()), [asks('credential', none), sends(UserauthRequest), success]))
    assert.deepEqual(result.attempts, [{ method: 'none', outcome: 'accepted', remaining: [] }])
  })
  test('a partial success is recorded as such, and the loop goes on', () => {
    const result = returned(
      play(clientAuthentication(clientRun()), [
        asks('credential', password),
        sends(UserauthRequest),
        partialSuccess('publickey'),
        asks('credential', none),
        sends(UserauthRequest),
        success,
      ]),
    )
    assert.deepEqual(
      result.attempts.map(each => each.outcome),
      ['partial', 'accepted'],
    )
    assert.deepEqual(result.attempts[0].remaining, ['publickey'])
  })
  test('EXT_INFO that comes during authentication is seen by the next question', () => {
    let known: readonly string[] | undefined
    const seen: unknown[] = []
    const credential = (answer: Credential) =>
      asks<CredentialQuestion>('credential', (question: CredentialQuestion) => {
        seen.push(question.serverSignatureAlgorithms)
        known = ['rsa-sha2-512']
        return answer
      })
    play(clientAuthentication(clientRun({ serverSignatureAlgorithms: () => known })), [
      credential(none),
      sends(UserauthRequest),
      failure('publickey'),
      credential(giveUp),
    ])
    assert.deepEqual(seen, [undefined, ['rsa-sha2-512']])
  })
  test('a message of a method that is not running is a violation', () => {
    const lines = [
      asks('credential', none),
      sends(UserauthRequest),
      gives(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: noDetails }),
    ]
    assert.equal(thrown(play(clientAuthentication(clientRun()), lines), ProtocolError).violation, 'message-unexpected')
  })
  test('credentials without end are taken for a loop', () => {
    const round = [asks('credential', password), sends(UserauthRequest), failure('password')]
    const error = thrown(play(clientAuthentication(clientRun()), Array.from({ length: 100 }, () => round).flat()), AuthenticationError)
    assert.equal(error.attempts.length, 100)
    assert.match(error.message, /Stopped after 100 attempts/)
  })
  test('a credential of an unknown method is the mistake of whoever answered', () => {
    assert.match(thrown(play(clientAuthentication(clientRun()), [asks('credential', { method: 'gssapi' })]), TypeError).message, /gssapi/)
  })
})

describe('banners', () => {
  test('may come before any answer, several of them, and are handed on in order', () => {
    const run = clientRun()
    returned(
      play(clientAuthentication(run), [asks('credential', none), sends(UserauthRequest), banner('one\n'), banner('two\x1b[31m'), success]),
    )
    assert.deepEqual(run.banners, ['one\n', 'two\x1b[31m'], 'as they came: whoever shows them escapes them')
  })
  test('before a refusal stand with the attempt, and are told as its cause; what comes with the first answer is for everybody', () => {
    const error = thrown(
      play(clientAuthentication(clientRun()), [
        asks('credential', none),
        sends(UserauthRequest),
        banner('Property of nobody.'),
        failure('password'),
        asks('credential', password),
        sends(UserauthRequest),
        banner('back at\n'),
        banner('noon\x1b[2J\n'),
        failure('password'),
        asks('credential', giveUp),
      ]),
      AuthenticationError,
    )
    assert.deepEqual(
      error.attempts.map(each => each.said),
      [undefined, 'back at\nnoon\x1b[2J\n'],
    )
    assert.match(error.message, /Likely cause, as the server said before it refused: "back at noon\\x1b\[2J"/)
    assert.doesNotMatch(error.message, /password or the user name is wrong|Property/)
  })
  test('before a success, or half of one, are nobody’s cause', () => {
    const error = thrown(
      play(clientAuthentication(clientRun()), [
        asks('credential', none),
        sends(UserauthRequest),
        failure('password'),
        asks('credential', password),
        sends(UserauthRequest),
        banner('well done'),
        partialSuccess('password'),
        asks('credential', password),
        sends(UserauthRequest),
        failure('password'),
        asks('credential', giveUp),
      ]),
      AuthenticationError,
    )
    assert.doesNotMatch(error.message, /well done/)
    assert.match(error.message, /the password or the user name is wrong/)
  })
  test('may come between the query and PK_OK', () => {
    const key = testKey(1)
    const run = clientRun()
    const credential = keyCredential(key)
    returned(
      play(clientAuthentication(run), [
        asks('credential', credential),
        sends(UserauthRequest),
        banner('hello'),
        gives(UserauthPkOk, { algorithmName: key.algorithm, publicKey: key.blob }),
        asks('signature', (question: { data: Uint8Array }) => key.sign(question.data)),
        sends(UserauthRequest),
        banner('welcome'),
        success,
      ]),
    )
    assert.deepEqual(run.banners, ['hello', 'welcome'])
  })
  test('64 are shown, the 65th is a violation, over the whole login', () => {
    const run = clientRun()
    const many = Array.from({ length: 32 }, (_, i) => banner(`${i}`))
    const lines = [
      asks('credential', none),
      sends(UserauthRequest),
      ...many,
      failure('none'),
      asks('credential', none),
      sends(UserauthRequest),
      ...many,
    ]
    assert.equal(play(clientAuthentication(run), lines).is, 'waiting')
    assert.equal(run.banners.length, 64)
    assert.equal(
      thrown(play(clientAuthentication(clientRun()), [...lines, banner('again')]), ProtocolError).violation,
      'auth-request-limit',
    )
  })
  test('one larger than 64 KiB is a violation', () => {
    const start = [asks('credential', none), sends(UserauthRequest)]
    assert.equal(play(clientAuthentication(clientRun()), [...start, banner('x'.repeat(65536 - 9))]).is, 'waiting')
    assert.equal(
      thrown(play(clientAuthentication(clientRun()), [...start, banner('x'.repeat(65536 - 8))]), ProtocolError).violation,
      'auth-request-limit',
    )
  })
})

describe('giving up', () => {
  test('the error has every attempt in order, also those that never reached the wire', () => {
    const key = testKey(1)
    const other = testKey(2)
    const error = thrown(
      play(clientAuthentication(clientRun()), [
        asks('credential', none),
        sends(UserauthRequest),
        failure('publickey', 'password'),
        asks('credential', keyCredential(key)),
        sends(UserauthRequest),
        failure('publickey', 'password'),
        asks('credential', {
          method: 'give-up',
          notes: [
            {
              method: 'publickey',
              fingerprint: other.fingerprint,
              source: '~/.ssh/id_rsa',
              outcome: 'skipped',
              remaining: [],
              note: 'it needs a passphrase',
            },
          ],
        } satisfies Credential),
      ]),
      AuthenticationError,
    )
    assert.equal(error.code, 'AUTHENTICATION_FAILED')
    assert.equal(error.user, 'ada')
    assert.deepEqual(error.remaining, ['publickey', 'password'])
    assert.deepEqual(
      error.attempts.map(each => [each.method, each.outcome]),
      [
        ['none', 'refused'],
        ['publickey', 'refused'],
        ['publickey', 'skipped'],
      ],
    )
    assert.deepEqual(error.message.split('\n'), [
      'Could not log in as "ada".',
      'Tried, in order:',
      '  none: refused; the server still accepts publickey, password',
      `  publickey ${key.fingerprint} from ~/.ssh/id_ed25519: refused; the server still accepts publickey, password`,
      `  publickey ${other.fingerprint} from ~/.ssh/id_rsa: not completed (it needs a passphrase)`,
      'Likely cause: the server refused the key: is the key in authorized_keys of this user, and are its permissions strict (writable by the owner only, as are its folders)? Does the server take keys of its type (PubkeyAcceptedAlgorithms), and this user at all (AllowUsers, PermitRootLogin, an account that is locked or expired)? Its log says which.',
      'Not tried, though the server accepts it: password. There was nobody to ask, or it was not to be used (BatchMode, PreferredAuthentications).',
    ])
  })
  test('at once, with nothing to try', () => {
    const error = thrown(play(clientAuthentication(clientRun()), [asks('credential', giveUp)]), AuthenticationError)
    assert.deepEqual(error.message.split('\n'), ['Could not log in as "ada".', 'Nothing was tried.'])
  })
})

// keyboard-interactive (RFC 4256): any number of rounds, rounds without prompts, cancelling, and being abandoned.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthFailure, UserauthInfoRequest, UserauthInfoResponse, UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import type { PromptsQuestion, Verdict } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { AuthenticationError, ProtocolError, WireError } from '../../../src/errors.ts'
import { asks, gives, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import { accept, clientRun, interactiveDetails, passwordDetails, recorder, refuse, request, serverRun } from '../fixtures.ts'

const prompts = (...texts: string[]): Verdict => ({
  is: 'prompt',
  name: 'Login',
  instruction: 'please',
  prompts: texts.map(prompt => ({ prompt, echo: false })),
})

describe('the server', () => {
  const begins = gives(UserauthRequest, request('keyboard-interactive', interactiveDetails('pam,,otp')))
  const responds = (...responses: string[]) => gives(UserauthInfoResponse, { responses })
  const sendsPrompts = (...texts: string[]) =>
    sends(UserauthInfoRequest, {
      name: 'Login',
      instruction: 'please',
      languageTag: '',
      prompts: texts.map(prompt => ({ prompt, echo: false })),
    })

  test('asks round after round, also one without prompts', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [
        begins,
        asks('attempt', seen.answer(prompts('Password: '))),
        sendsPrompts('Password: '),
        responds('secret'),
        asks('attempt', seen.answer(prompts())),
        sendsPrompts(),
        responds(),
        asks('attempt', seen.answer(prompts('Code: ', 'Colour: '))),
        sendsPrompts('Code: ', 'Colour: '),
        responds('123', 'blue'),
        asks('attempt', seen.answer(accept('ada'))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['keyboard-interactive'])
    const shown = seen.questions.map(({ attempt }) => ('responses' in attempt ? attempt.responses.map(each => each.reveal()) : attempt))
    assert.deepEqual(shown, [{ method: 'keyboard-interactive', submethods: ['pam', 'otp'] }, ['secret'], [], ['123', 'blue']])
    assert.deepEqual(
      seen.questions.map(each => each.ordinal),
      [0, 1, 2, 3],
    )
    assert.doesNotMatch(inspect(seen.questions, { depth: 9 }), /'secret'|blue/)
  })
  test('may let in or refuse without asking anything', () => {
    returned(play(serverAuthentication(serverRun()), [begins, asks('attempt', accept(1)), sends(UserauthSuccess)]))
    waits(play(serverAuthentication(serverRun()), [begins, asks('attempt', refuse('password')), sends(UserauthFailure)]))
  })
  for (const responses of [[], ['1'], ['1', '2', '3']]) {
    test(`${responses.length} responses to 2 prompts are a failure, and nobody is asked`, () => {
      const lines = [begins, asks('attempt', prompts('a', 'b')), sendsPrompts('a', 'b'), responds(...responses)]
      waits(
        play(serverAuthentication(serverRun()), [
          ...lines,
          sends(UserauthFailure, { canContinue: serverRun().methods, partialSuccess: false }),
        ]),
      )
      assert.equal(
        thrown(play(serverAuthentication(serverRun({ maximumAttempts: 1 })), lines), ProtocolError).violation,
        'too-many-auth-attempts',
      )
    })
  }
  test('a new request abandons the rounds, without a FAILURE for them (RFC 4252 §5.1)', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun({ maximumAttempts: 1 })), [
        begins,
        asks('attempt', seen.answer(prompts('Password: '))),
        sendsPrompts('Password: '),
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        asks('attempt', seen.answer(accept('ada'))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['password'])
    assert.deepEqual(
      seen.questions.map(each => each.attempt.method),
      ['keyboard-interactive', 'password'],
    )
  })
  test('a response after the rounds were abandoned is a violation', () => {
    const lines = [
      begins,
      asks('attempt', prompts('a')),
      sendsPrompts('a'),
      gives(UserauthRequest, request('password', passwordDetails('x'))),
      asks('attempt', refuse('password')),
      sends(UserauthFailure),
      responds('late'),
    ]
    assert.equal(thrown(play(serverAuthentication(serverRun()), lines), ProtocolError).violation, 'message-unexpected')
  })
  test('abandoning for another user starts afresh', () => {
    const seen = recorder()
    play(serverAuthentication(serverRun()), [
      begins,
      asks('attempt', seen.answer(prompts('a'))),
      sendsPrompts('a'),
      gives(UserauthRequest, request('keyboard-interactive', interactiveDetails(), 'root')),
      asks('attempt', seen.answer(refuse())),
    ])
    assert.deepEqual(
      seen.questions.map(each => [each.user, each.ordinal]),
      [
        ['ada', 0],
        ['root', 0],
      ],
    )
  })
  test('a refused round is one failed attempt, however many rounds there were', () => {
    const conversation = [
      begins,
      asks('attempt', prompts('a')),
      sendsPrompts('a'),
      responds('1'),
      asks('attempt', prompts('b')),
      sendsPrompts('b'),
      responds('2'),
      asks('attempt', refuse('keyboard-interactive')),
    ]
    const run = serverRun({ maximumAttempts: 2 })
    waits(play(serverAuthentication(run), [...conversation, sends(UserauthFailure)]))
    assert.equal(
      thrown(play(serverAuthentication(run), [...conversation, sends(UserauthFailure), ...conversation]), ProtocolError).violation,
      'too-many-auth-attempts',
    )
  })
  test('responses count towards the limit of requests', () => {
    const round = [asks('attempt', prompts('again')), sendsPrompts('again'), responds('no')]
    const lines = [begins, ...Array.from({ length: 4 }, () => round).flat()]
    assert.equal(
      thrown(play(serverAuthentication(serverRun({ maximumRequests: 4 })), lines), ProtocolError).violation,
      'auth-request-limit',
    )
  })
  test('a malformed request is malformed', () => {
    thrown(
      play(serverAuthentication(serverRun()), [gives(UserauthRequest, request('keyboard-interactive', Uint8Array.of(0, 0, 0, 0)))]),
      WireError,
    )
  })
})

describe('the client', () => {
  const begins = [
    asks('credential', { method: 'keyboard-interactive', submethods: 'pam', source: 'prompt' }),
    sends(UserauthRequest, { methodName: 'keyboard-interactive', details: interactiveDetails('pam') }),
  ]
  const giveUp = asks('credential', { method: 'give-up', notes: [] })
  const wants = (...texts: string[]) =>
    gives(UserauthInfoRequest, {
      name: 'n',
      instruction: 'i\n',
      languageTag: '',
      prompts: texts.map(prompt => ({ prompt, echo: prompt === 'User: ' })),
    })
  const success = gives(UserauthSuccess, {})
  const failure = gives(UserauthFailure, { canContinue: ['password'], partialSuccess: false })
  const refusal = (...lines: Parameters<typeof play>[1]) =>
    thrown(play(clientAuthentication(clientRun()), [...begins, ...lines]), AuthenticationError).attempts[0]

  test('answers round after round', () => {
    const questions: PromptsQuestion[] = []
    const answers = (...responses: string[]) =>
      asks<PromptsQuestion>('prompts', (question: PromptsQuestion) => {
        questions.push(question)
        return responses
      })
    returned(
      play(clientAuthentication(clientRun()), [
        ...begins,
        wants('User: ', 'Password: '),
        answers('ada', 'secret'),
        sends(UserauthInfoResponse, { responses: ['ada', 'secret'] }),
        wants('Code: '),
        answers('123'),
        sends(UserauthInfoResponse, { responses: ['123'] }),
        success,
      ]),
    )
    assert.deepEqual(questions[0], {
      is: 'prompts',
      name: 'n',
      instruction: 'i\n',
      prompts: [
        { prompt: 'User: ', echo: true },
        { prompt: 'Password: ', echo: false },
      ],
    })
  })
  test('a round without prompts is shown, and answered with nothing', () => {
    returned(
      play(clientAuthentication(clientRun()), [
        ...begins,
        wants(),
        asks('prompts', []),
        sends(UserauthInfoResponse, { responses: [] }),
        success,
      ]),
    )
  })
  test('cancelling skips the method; the next request may follow at once', () => {
    const result = returned(
      play(clientAuthentication(clientRun()), [
        ...begins,
        wants('Password: '),
        asks('prompts', undefined),
        asks('credential', { method: 'none' }),
        sends(UserauthRequest, { methodName: 'none' }),
        success,
      ]),
    )
    assert.deepEqual(
      result.attempts.map(each => [each.method, each.outcome, each.note]),
      [
        ['keyboard-interactive', 'skipped', 'the prompts were cancelled'],
        ['none', 'accepted', undefined],
      ],
    )
  })
  test('another number of answers than of prompts is not sent', () => {
    const attempt = refusal(wants('a', 'b'), asks('prompts', ['1']), giveUp)
    assert.deepEqual([attempt.outcome, attempt.note], ['skipped', '1 responses were given to 2 prompts'])
  })
  test('a refusal without a single round says so', () => {
    assert.equal(refusal(failure, giveUp).note, 'the server asked nothing')
    assert.equal(refusal(wants('a'), asks('prompts', ['1']), sends(UserauthInfoResponse), failure, giveUp).note, undefined)
  })
  test('rounds without end are taken for a loop', () => {
    const round = [wants(), asks('prompts', []), sends(UserauthInfoResponse)]
    const lines = [...begins, ...Array.from({ length: 100 }, () => round).flat(), wants()]
    assert.equal(thrown(play(clientAuthentication(clientRun()), lines), ProtocolError).violation, 'auth-request-limit')
  })
  test('more than 128 prompts are malformed', () => {
    const outcome = play(clientAuthentication(clientRun()), [...begins, wants(...Array.from({ length: 129 }, () => 'x'))])
    assert.equal(thrown(outcome, ProtocolError).violation, 'malformed-message')
  })
})

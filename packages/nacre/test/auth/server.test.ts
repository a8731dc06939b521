// The server's loop: counting, limits, user names, chains of methods, banners. Methods have their own files.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  UserauthBanner,
  UserauthFailure,
  UserauthInfoRequest,
  UserauthInfoResponse,
  UserauthPkOk,
  UserauthRequest,
  UserauthSuccess,
} from '../../src/auth/messages.ts'
import { publickeySignedData } from '../../src/auth/methods/publickey.ts'
import type { AttemptQuestion } from '../../src/auth/questions.ts'
import { serverAuthentication } from '../../src/auth/server.ts'
import { ProtocolError, WireError } from '../../src/errors.ts'
import { asks, gives, givesBytes, type Line, play, returned, sends, thrown, waits } from '../dialogue.ts'
import {
  accept,
  interactiveDetails,
  noDetails,
  partial,
  passwordDetails,
  proofDetails,
  queryDetails,
  recorder,
  refuse,
  request,
  serverRun,
  sessionId,
  testKey,
} from './fixtures.ts'

const wrongPassword: readonly Line[] = [
  gives(UserauthRequest, request('password', passwordDetails('wrong'))),
  asks('attempt', refuse('password')),
  sends(UserauthFailure, { canContinue: ['password'], partialSuccess: false }),
]
const lastWrongPassword = wrongPassword.slice(0, 2)
const violation = (lines: readonly Line[], run = serverRun()) => thrown(play(serverAuthentication(run), lines), ProtocolError)

describe('the first question of every client', () => {
  test('"none" learns the methods', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('none', noDetails)),
        asks('attempt', refuse('publickey', 'password')),
        sends(UserauthFailure, { canContinue: ['publickey', 'password'], partialSuccess: false }),
      ]),
    )
  })
  test('"none" may be enough', () => {
    const result = returned(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('none', noDetails)),
        asks('attempt', accept('anyone')),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result, { is: 'authenticated', user: 'ada', service: 'ssh-connection', identity: 'anyone', methods: ['none'] })
  })
  test('"none" is never listed (RFC 4252 §5.2)', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('none', noDetails)),
        asks('attempt', refuse('none', 'password')),
        sends(UserauthFailure, { canContinue: ['password'] }),
      ]),
    )
  })
  test('"none" with details is malformed', () => {
    const error = thrown(play(serverAuthentication(serverRun()), [gives(UserauthRequest, request('none', Uint8Array.of(1)))]), WireError)
    assert.match(error.message, /left over/)
  })
})

describe('methods', () => {
  test('one that is unknown fails without a question, and names what there is', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('hostbased', Uint8Array.of(1, 2, 3))),
        sends(UserauthFailure, { canContinue: ['publickey', 'password', 'keyboard-interactive'], partialSuccess: false }),
      ]),
    )
  })
  test('nobody has to say which there are: then it is all of the table', () => {
    waits(
      play(serverAuthentication(serverRun({ methods: undefined })), [
        gives(UserauthRequest, request('no-such-method', noDetails)),
        sends(UserauthFailure, {
          canContinue: ['publickey', 'password', 'keyboard-interactive', 'hostbased', 'gssapi-with-mic', 'gssapi-keyex'],
        }),
        ...wrongPassword,
      ]),
    )
  })
  test('one that may not continue fails without a question', () => {
    waits(
      play(serverAuthentication(serverRun({ methods: ['publickey'] })), [
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        sends(UserauthFailure, { canContinue: ['publickey'], partialSuccess: false }),
      ]),
    )
  })
  test('requests may be sent ahead: each gets its answer in order', () => {
    const result = returned(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('none', noDetails)),
        asks('attempt', refuse('password')),
        sends(UserauthFailure),
        ...wrongPassword,
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        asks('attempt', accept(7)),
        sends(UserauthSuccess),
      ]),
    )
    assert.equal(result.identity, 7)
  })
  test('a response that nobody asked for is a violation', () => {
    assert.equal(violation([gives(UserauthInfoResponse, { responses: [] })]).violation, 'message-unexpected')
  })
  test('a verdict that does not fit the method is the mistake of whoever answered', () => {
    const lines = [gives(UserauthRequest, request('none', noDetails)), asks('attempt', { is: 'change-password', prompt: '' })]
    assert.match(thrown(play(serverAuthentication(serverRun()), lines), TypeError).message, /change-password.*none/)
  })
})

describe('chains', () => {
  const key = testKey(1)
  // The proof is made over the user it is for.
  const proof = (user: string) => {
    const data = publickeySignedData({ sessionId, user, service: 'ssh-connection' }, key.algorithm, key.blob)
    return gives(UserauthRequest, request('publickey', proofDetails(key.algorithm, key.blob, key.sign(data)), user))
  }
  test('a passed method asks for the next, and both are named in the result', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [
        proof('ada'),
        asks('attempt', seen.answer(partial('password'))),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: true }),
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        asks('attempt', seen.answer(accept({ name: 'ada' }))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['publickey', 'password'])
    assert.deepEqual(result.identity, { name: 'ada' })
    assert.deepEqual(
      seen.questions.map(each => each.ordinal),
      [0, 1],
    )
  })
  test('after a partial success a method that is not asked for fails', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        proof('ada'),
        asks('attempt', partial('password')),
        sends(UserauthFailure, { partialSuccess: true }),
        proof('ada'),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: false }),
      ]),
    )
  })
  test('another user name forgets what was passed (RFC 4252 §5)', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [
        proof('ada'),
        asks('attempt', seen.answer(partial('password'))),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: true }),
        gives(UserauthRequest, request('none', noDetails, 'root')),
        asks('attempt', seen.answer(refuse('publickey', 'password'))),
        sends(UserauthFailure, { canContinue: ['publickey', 'password'], partialSuccess: false }),
        gives(UserauthRequest, request('password', passwordDetails('right'), 'root')),
        asks('attempt', seen.answer(accept('root'))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['password'], 'the key was shown by somebody else')
    assert.equal(result.user, 'root')
    assert.deepEqual(
      seen.questions.map(each => [each.user, each.ordinal]),
      [
        ['ada', 0],
        ['root', 0],
        ['root', 1],
      ],
    )
  })
  test('a short visit as another user forgets as well, even when nobody was asked about it', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [
        proof('ada'),
        asks('attempt', seen.answer(partial('password'))),
        sends(UserauthFailure, { partialSuccess: true }),
        gives(UserauthRequest, request('hostbased', noDetails, 'root')),
        sends(UserauthFailure, { canContinue: serverRun().methods, partialSuccess: false }),
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        asks('attempt', seen.answer(accept('ada'))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['password'])
    assert.deepEqual(
      seen.questions.map(each => each.ordinal),
      [0, 0],
      'ordinal 0 tells whoever answers to forget',
    )
  })
  test('failures are counted across user names', () => {
    const lines = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((user, index) => [
      gives(UserauthRequest, request('password', passwordDetails('guess'), user)),
      asks('attempt', refuse('password')),
      ...(index < 5 ? [sends(UserauthFailure)] : []),
    ])
    assert.equal(violation(lines).violation, 'too-many-auth-attempts')
  })
})

describe('too many attempts', () => {
  test('the sixth failure ends the connection instead of being answered', () => {
    const error = violation([...Array.from({ length: 5 }, () => wrongPassword).flat(), ...lastWrongPassword])
    assert.equal(error.violation, 'too-many-auth-attempts')
    assert.equal(error.reason, 'no-more-auth-methods-available')
    assert.equal(error.message, 'Too many authentication failures')
  })
  test('the first "none" is free, a second is not', () => {
    const none = [gives(UserauthRequest, request('none', noDetails)), asks('attempt', refuse('password')), sends(UserauthFailure)]
    waits(play(serverAuthentication(serverRun({ maximumAttempts: 2 })), [...none, ...none]))
    assert.equal(violation([...none, ...none, ...none.slice(0, 2)], serverRun({ maximumAttempts: 2 })).violation, 'too-many-auth-attempts')
  })
  test('a first attempt that is not "none" counts', () => {
    assert.equal(violation(lastWrongPassword, serverRun({ maximumAttempts: 1 })).violation, 'too-many-auth-attempts')
  })
  test('refused queries count, accepted ones and partial successes do not', () => {
    const key = testKey(2)
    const query = gives(UserauthRequest, request('publickey', queryDetails(key.algorithm, key.blob)))
    const okay = [query, asks('attempt', accept(undefined)), sends(UserauthPkOk)]
    waits(play(serverAuthentication(serverRun({ maximumAttempts: 1 })), [...okay, ...okay, ...okay]))
    waits(
      play(serverAuthentication(serverRun({ maximumAttempts: 1 })), [
        gives(UserauthRequest, request('password', passwordDetails('right'))),
        asks('attempt', partial('publickey')),
        sends(UserauthFailure, { partialSuccess: true }),
      ]),
    )
    assert.equal(
      violation([query, asks('attempt', refuse('publickey'))], serverRun({ maximumAttempts: 1 })).violation,
      'too-many-auth-attempts',
    )
  })
  test('methods that are unknown or may not continue count', () => {
    const run = serverRun({ maximumAttempts: 1, methods: ['publickey'] })
    assert.equal(violation([gives(UserauthRequest, request('hostbased', noDetails))], run).violation, 'too-many-auth-attempts')
    assert.equal(violation([gives(UserauthRequest, request('password', passwordDetails('x')))], run).violation, 'too-many-auth-attempts')
  })
  test('queries without end meet a limit of their own', () => {
    const key = testKey(3)
    const round = [
      gives(UserauthRequest, request('publickey', queryDetails(key.algorithm, key.blob))),
      asks('attempt', accept(1)),
      sends(UserauthPkOk),
    ]
    const run = serverRun({ maximumRequests: 10 })
    waits(play(serverAuthentication(run), Array.from({ length: 10 }, () => round).flat()))
    const error = violation([...Array.from({ length: 10 }, () => round).flat(), round[0]], run)
    assert.equal(error.violation, 'auth-request-limit')
    assert.match(error.message, /10/)
  })
  test('the default limit of requests is 1024', () => {
    const abandon = gives(UserauthRequest, request('keyboard-interactive', interactiveDetails()))
    const prompt = asks('attempt', { is: 'prompt', name: '', instruction: '', prompts: [] })
    const lines: Line[] = []
    for (let i = 0; i < 1024; i++) lines.push(abandon, prompt, sends(UserauthInfoRequest))
    waits(play(serverAuthentication(serverRun()), lines))
    assert.equal(violation([...lines, abandon]).violation, 'auth-request-limit')
  })
})

describe('names', () => {
  const bad: readonly [string, string][] = [
    ['empty', ''],
    ['a line break', 'ada\nroot'],
    ['NUL', 'ada\0'],
    ['escape', '\x1b[2Jada'],
    ['C1 control', 'ada\x9b'],
    ['line separator', 'ada\u2028'],
    ['256 bytes', 'a'.repeat(256)],
    ['256 bytes of 128 characters', 'é'.repeat(128)],
  ]
  for (const [what, user] of bad) {
    test(`a user name is refused: ${what}`, () => {
      const error = violation([gives(UserauthRequest, request('none', noDetails, user))])
      assert.equal(error.violation, 'auth-user-malformed')
      assert.equal(error.reason, 'illegal-user-name')
      assert.doesNotMatch(error.message, /[\p{Cc}\u2028]/u)
    })
  }
  for (const user of ['a', 'é'.repeat(127), 'git', 'DOMAIN\\ada', 'ada@example', 'ада', 'a b']) {
    test(`a user name may be ${JSON.stringify(user).slice(0, 20)}`, () => {
      waits(
        play(serverAuthentication(serverRun()), [
          gives(UserauthRequest, request('none', noDetails, user)),
          asks('attempt', refuse()),
          sends(UserauthFailure),
        ]),
      )
    })
  }
  test('a user name that is not UTF-8 is malformed', () => {
    // "ada" with a stray continuation byte, written by hand.
    const payload = Uint8Array.of(50, 0, 0, 0, 2, 0x61, 0x80, 0, 0, 0, 0, 0, 0, 0, 0)
    assert.equal(violation([givesBytes(payload)]).violation, 'malformed-message')
  })
  test('another service ends the connection', () => {
    const error = violation([gives(UserauthRequest, request('none', noDetails, 'ada', 'ssh-\u202euserauth'))])
    assert.equal(error.violation, 'service-unknown')
    assert.equal(error.reason, 'service-not-available')
    assert.match(error.message, /"ssh-\\u\{202e\}userauth"/)
  })
})

describe('banners', () => {
  test('the banner of the server comes once, with the first answer', () => {
    waits(
      play(serverAuthentication(serverRun({ banner: 'Authorized use only.\n' })), [
        gives(UserauthRequest, request('none', noDetails)),
        sends(UserauthBanner, { message: 'Authorized use only.\n', languageTag: '' }),
        asks('attempt', refuse('password')),
        sends(UserauthFailure),
        ...wrongPassword,
      ]),
    )
  })
  test('whoever answers can show banners, before the verdict is sent', () => {
    waits(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('password', passwordDetails('old'))),
        asks<AttemptQuestion>('attempt', (question: AttemptQuestion) => {
          question.banner('one')
          question.banner('two')
          return refuse('password')
        }),
        sends(UserauthBanner, { message: 'one' }),
        sends(UserauthBanner, { message: 'two' }),
        sends(UserauthFailure),
      ]),
    )
  })
  test('the details of the request survive the banner', () => {
    const seen = recorder()
    play(serverAuthentication(serverRun({ banner: 'hello' })), [
      gives(UserauthRequest, request('password', passwordDetails('correct horse'))),
      sends(UserauthBanner),
      asks('attempt', seen.answer(refuse())),
    ])
    const attempt = seen.questions[0].attempt
    assert.ok(attempt.method === 'password')
    assert.equal(attempt.password.reveal(), 'correct horse')
  })
})

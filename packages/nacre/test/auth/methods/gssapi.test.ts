// gssapi-with-mic and gssapi-keyex (RFC 4462 §3, §4) over a mechanism of the test's own: nothing is proven before the mechanism
// is done and this very session and user are signed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Compute } from '../../../src/algorithms/rows.ts'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { type GssContext, gssSignedData } from '../../../src/auth/gss.ts'
import {
  UserauthFailure,
  UserauthGssapiErrtok,
  UserauthGssapiError,
  UserauthGssapiExchangeComplete,
  UserauthGssapiMic,
  UserauthGssapiResponse,
  UserauthGssapiToken,
  UserauthRequest,
  UserauthSuccess,
} from '../../../src/auth/messages.ts'
import type { AttemptQuestion, Credential, Verdict } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { AuthenticationError, ProtocolError, SshError } from '../../../src/errors.ts'
import { bytes, counted, encode, struct } from '../../../src/wire/codec.ts'
import { asks, converse, gives, type Line, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import { accept, clientRun, noDetails, refuse, request, serverRun, sessionId } from '../fixtures.ts'
import { type FakeOptions, fakeMechanism } from '../gss-mechanism.ts'

const here = { sessionId, user: 'ada', service: 'ssh-connection' }
const mechanism = fakeMechanism()
const detailsOf = (...identifiers: Uint8Array[]) => encode(struct({ mechanisms: counted(bytes, 64) }), { mechanisms: identifiers })
const token = (text: string) => ({ token: new TextEncoder().encode(text) })
const computes = asks<Compute<unknown>>('compute', (question: Compute<unknown>) => question.compute())
const run = (options = {}) => serverRun({ methods: ['gssapi-with-mic', 'gssapi-keyex'], ...options })
const begins = gives(UserauthRequest, request('gssapi-with-mic', detailsOf(mechanism.identifier)))
const chooses = (verdict?: Verdict): Line => asks('attempt', verdict ?? (() => ({ is: 'gss', mechanism, context: mechanism.accept() })))
const failure = sends(UserauthFailure, { canContinue: run().methods, partialSuccess: false })
/** As far as the server's end being established. */
const established: readonly Line[] = [
  begins,
  chooses(),
  sends(UserauthGssapiResponse, { mechanism: mechanism.identifier }),
  gives(UserauthGssapiToken, token('hello ada@TEST')),
  computes,
  sends(UserauthGssapiToken, token('welcome')),
  gives(UserauthGssapiToken, token('thanks')),
  computes,
]
const micOver = (session: Partial<typeof here> = {}, method: 'gssapi-with-mic' | 'gssapi-keyex' = 'gssapi-with-mic') =>
  mechanism.initiate().sign(gssSignedData({ ...here, ...session }, method)) as Uint8Array

describe('the server', () => {
  test('judges whom the mechanism has proven, once this session is signed', () => {
    const seen: unknown[] = []
    const result = returned(
      play(serverAuthentication(run()), [
        ...established,
        gives(UserauthGssapiMic, { mic: micOver() }),
        computes,
        asks('attempt', ({ attempt }: AttemptQuestion) => {
          seen.push(attempt)
          return accept('ada')
        }),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(seen, [{ method: 'gssapi-with-mic-proof', mechanism: 'fake', initiator: 'ada@TEST', delegated: undefined }])
    assert.deepEqual([result.identity, result.methods], ['ada', ['gssapi-with-mic']])
  })

  for (const [what, mic] of [
    ['over another session', micOver({ sessionId: new Uint8Array(32) })],
    ['over another user', micOver({ user: 'root' })],
    ['over another service', micOver({ service: 'ssh-userauth' })],
    ['made for another method', micOver({}, 'gssapi-keyex')],
    ['that is empty', noDetails],
  ] as const)
    test(`asks nobody about a signature ${what}`, () => {
      waits(play(serverAuthentication(run()), [...established, gives(UserauthGssapiMic, { mic }), computes, failure]))
    })
  test('asks nobody when a client that could sign does not (RFC 4462 §3.5)', () => {
    waits(play(serverAuthentication(run()), [...established, gives(UserauthGssapiExchangeComplete, {}), failure]))
  })
  test('takes EXCHANGE_COMPLETE where the mechanism cannot sign', () => {
    const mute = fakeMechanism({ integrity: false })
    returned(
      play(serverAuthentication(run()), [
        begins,
        asks('attempt', { is: 'gss', mechanism: mute, context: mute.accept() }),
        ...established.slice(2),
        gives(UserauthGssapiExchangeComplete, {}),
        asks('attempt', accept('ada')),
        sends(UserauthSuccess),
      ]),
    )
  })
  test('takes no signature before the mechanism is done', () => {
    const early = play(serverAuthentication(run()), [...established.slice(0, 6), gives(UserauthGssapiMic, { mic: micOver() })])
    assert.equal(thrown(early, ProtocolError).violation, 'message-unexpected')
  })
  test('says what the mechanism says when it fails: token, status and words, then FAILURE', () => {
    waits(
      play(serverAuthentication(run()), [
        ...established.slice(0, 3),
        gives(UserauthGssapiToken, token('let me in')),
        computes,
        sends(UserauthGssapiErrtok, token('no')),
        sends(UserauthGssapiError, { majorStatus: 851968, minorStatus: 7, message: 'clock skew too great' }),
        failure,
      ]),
    )
  })
  test("tells the mechanism of the client's error token, and has failed", () => {
    waits(play(serverAuthentication(run()), [...established.slice(0, 6), gives(UserauthGssapiErrtok, token('sorry')), computes, failure]))
  })
  test('a new request in the middle drops the context', () => {
    waits(
      play(serverAuthentication(run()), [
        ...established.slice(0, 6),
        begins,
        chooses(refuse('gssapi-keyex')),
        sends(UserauthFailure, { canContinue: ['gssapi-keyex'] }),
        // The MIC of the context before is nobody's now.
      ]),
    )
    const late = play(serverAuthentication(run()), [
      ...established,
      begins,
      chooses(),
      sends(UserauthGssapiResponse),
      gives(UserauthGssapiMic, { mic: micOver() }),
    ])
    assert.equal(thrown(late, ProtocolError).violation, 'message-unexpected')
  })
  test('a list of mechanisms is no proof, whoever says so', () => {
    assert.match(thrown(play(serverAuthentication(run()), [begins, chooses(accept('ada'))]), TypeError).message, /does not answer/)
  })
  test('takes a mechanism that throws a typed error for one that failed', () => {
    const broken: GssContext = {
      ...mechanism.accept(),
      step: () => {
        throw new SshError('GSS', 'no credentials cache')
      },
    }
    waits(
      play(serverAuthentication(run()), [
        begins,
        chooses({ is: 'gss', mechanism, context: broken }),
        sends(UserauthGssapiResponse),
        gives(UserauthGssapiToken, token('hello')),
        computes,
        failure,
      ]),
    )
  })
  test('more than 64 mechanisms are no request', () => {
    const many = detailsOf(...Array.from({ length: 65 }, () => mechanism.identifier))
    assert.throws(() => returned(play(serverAuthentication(run()), [gives(UserauthRequest, request('gssapi-with-mic', many))])), SshError)
  })
})

const credential = (options: FakeOptions = {}): Credential => ({
  method: 'gssapi-with-mic',
  mechanisms: [fakeMechanism({ arc: 9, name: 'other' }), fakeMechanism(options)],
  source: 'the ticket cache',
})
const offers = sends(UserauthRequest, request('gssapi-with-mic', detailsOf(Uint8Array.of(6, 3, 42, 3, 9), mechanism.identifier)))
const giveUp = asks('credential', { method: 'give-up', notes: [] })
const refused = gives(UserauthFailure, { canContinue: ['gssapi-with-mic'], partialSuccess: false })
const attemptOf = (lines: readonly Line[]) =>
  thrown(play(clientAuthentication(clientRun()), [asks('credential', credential()), offers, ...lines, giveUp]), AuthenticationError)
    .attempts[0]

describe('the client', () => {
  test('offers its mechanisms, exchanges tokens with the one chosen, and signs', () => {
    returned(
      play(clientAuthentication(clientRun()), [
        asks('credential', credential()),
        offers,
        gives(UserauthGssapiResponse, { mechanism: mechanism.identifier }),
        computes,
        sends(UserauthGssapiToken, token('hello ada@TEST')),
        gives(UserauthGssapiToken, token('welcome')),
        computes,
        sends(UserauthGssapiToken, token('thanks')),
        computes,
        sends(UserauthGssapiMic, { mic: micOver() }),
        gives(UserauthSuccess, {}),
      ]),
    )
  })
  test('goes on to the next way in when the server has none of them', () => {
    assert.match(attemptOf([refused]).note ?? '', /none of our mechanisms/)
  })
  test('a mechanism that was not offered is a violation', () => {
    const line = gives(UserauthGssapiResponse, { mechanism: Uint8Array.of(6, 1, 1) })
    const error = thrown(play(clientAuthentication(clientRun()), [asks('credential', credential()), offers, line]), ProtocolError)
    assert.equal(error.violation, 'message-unexpected')
  })
  test('SUCCESS before the mechanism is done is a violation', () => {
    const lines = [
      gives(UserauthGssapiResponse, { mechanism: mechanism.identifier }),
      computes,
      sends(UserauthGssapiToken),
      gives(UserauthSuccess, {}),
    ]
    const error = thrown(play(clientAuthentication(clientRun()), [asks('credential', credential()), offers, ...lines]), ProtocolError)
    assert.equal(error.violation, 'message-unexpected')
  })
  test("tells the server's mechanism why ours fails, and sends no signature", () => {
    const attempt = attemptOf([
      gives(UserauthGssapiResponse, { mechanism: mechanism.identifier }),
      computes,
      sends(UserauthGssapiToken),
      gives(UserauthGssapiToken, token('go away')),
      computes,
      sends(UserauthGssapiErrtok, token('sorry')),
    ])
    assert.deepEqual([attempt.outcome, attempt.note], ['skipped', 'the server said "go away"'])
  })
  test("has the server's words on its failure, made safe to show", () => {
    const attempt = attemptOf([
      gives(UserauthGssapiResponse, { mechanism: mechanism.identifier }),
      computes,
      sends(UserauthGssapiToken),
      gives(UserauthGssapiError, { majorStatus: 1, minorStatus: 2, message: 'clock\x1b[2J skew', languageTag: '' }),
      refused,
    ])
    assert.equal(attempt.note, 'clock\\x1b[2J skew')
  })
})

for (const slow of [false, true])
  test(`both sides together, with a mechanism that answers ${slow ? 'later' : 'at once'}`, async () => {
    const theirs = fakeMechanism({ slow })
    const { right } = await converse(
      {
        dialogue: clientAuthentication(clientRun()),
        answer: (question: Compute<unknown> | { is: 'credential' }) =>
          question.is === 'compute' ? (question as Compute<unknown>).compute() : credential({ slow }),
      },
      {
        dialogue: serverAuthentication(run()),
        answer: (question: Compute<unknown> | AttemptQuestion): unknown => {
          if (question.is === 'compute') return question.compute()
          const { attempt } = question
          if (attempt.method === 'gssapi-with-mic') return { is: 'gss', mechanism: theirs, context: theirs.accept() }
          return attempt.method === 'gssapi-with-mic-proof' ? accept(attempt.initiator) : refuse()
        },
      },
    )
    assert.equal(right.identity, 'ada@TEST')
  })

describe('gssapi-keyex', () => {
  const fromExchange = (): GssContext => ({ ...fakeMechanism().accept(), initiator: 'ada@TEST', mechanism: { name: 'fake' } })
  const proof = (mic: Uint8Array) => gives(UserauthRequest, request('gssapi-keyex', encode(struct({ mic: bytes }), { mic })))
  const exchanged = (context = fromExchange()) => run({ keyExchangeContext: () => context })

  test('lets in by the context of the key exchange', () => {
    const result = returned(
      play(serverAuthentication(exchanged()), [
        proof(micOver({}, 'gssapi-keyex')),
        computes,
        asks('attempt', accept(1)),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result.methods, ['gssapi-keyex'])
  })
  test('fails where the key exchange was another', () => {
    waits(play(serverAuthentication(run()), [proof(micOver({}, 'gssapi-keyex')), failure]))
  })
  for (const [what, mic] of [
    ['another user', micOver({ user: 'root' }, 'gssapi-keyex')],
    ['the other method', micOver()],
  ] as const)
    test(`asks nobody about a signature for ${what}`, () => {
      waits(play(serverAuthentication(exchanged()), [proof(mic), computes, failure]))
    })
  test('the client signs with the context it is given', () => {
    returned(
      play(clientAuthentication(clientRun()), [
        asks('credential', { method: 'gssapi-keyex', context: mechanism.initiate(), source: 'key exchange' }),
        computes,
        sends(UserauthRequest, request('gssapi-keyex', encode(struct({ mic: bytes }), { mic: micOver({}, 'gssapi-keyex') }))),
        gives(UserauthSuccess, {}),
      ]),
    )
  })
})

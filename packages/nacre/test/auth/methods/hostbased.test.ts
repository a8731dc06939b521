// hostbased (RFC 4252 §9): a host's signature is for one session, user, host and user of that host, and nobody is asked about a
// host that does not hold its key.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthFailure, UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import { hostbasedSignedData } from '../../../src/auth/methods/hostbased.ts'
import type { AttemptQuestion, Credential, SignatureQuestion } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { AuthenticationError, WireError } from '../../../src/errors.ts'
import { byte, bytes, encode, struct, text } from '../../../src/wire/codec.ts'
import { asks, converse, gives, type Line, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import { accept, clientRun, recorder, refuse, request, serverRun, sessionId, signatureBlob, testKey } from '../fixtures.ts'

const key = testKey(1)
const other = testKey(2)
const here = { sessionId, user: 'ada', service: 'ssh-connection' }
const claim = { algorithmName: 'ssh-ed25519', publicKey: key.blob, clientHost: 'desk.example.org.', clientUser: 'lovelace' }
// The RFC's fields written out again, so that a mistake in the sources is not repeated here.
const details = (signature: Uint8Array, said: Partial<typeof claim> = {}) =>
  encode(struct({ algorithmName: text, publicKey: bytes, clientHost: text, clientUser: text, signature: bytes }), {
    ...claim,
    ...said,
    signature,
  })
const signedHere = (by = key, session: Partial<typeof here> = {}, signed: Partial<typeof claim> = {}) =>
  by.sign(hostbasedSignedData({ ...here, ...session }, { ...claim, ...signed }))
const proof = (signature: Uint8Array, said: Partial<typeof claim> = {}, user = 'ada') =>
  gives(UserauthRequest, request('hostbased', details(signature, said), user))
const run = (options = {}) => serverRun({ methods: ['hostbased', 'password'], ...options })
const refusedUnasked = sends(UserauthFailure, { canContinue: ['hostbased', 'password'], partialSuccess: false })

test('what is signed, byte for byte (RFC 4252 §9)', () => {
  const string = (content: string | readonly number[]): number[] => {
    const inner = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content
    return [0, 0, 0, inner.length, ...inner]
  }
  const session = { sessionId: Uint8Array.of(1, 2), user: 'u', service: 's' }
  const data = hostbasedSignedData(session, { algorithmName: 'a', publicKey: Uint8Array.of(9), clientHost: 'h.', clientUser: 'c' })
  assert.deepEqual(
    [...data],
    [
      ...string([1, 2]),
      50,
      ...string('u'),
      ...string('s'),
      ...string('hostbased'),
      ...string('a'),
      ...string([9]),
      ...string('h.'),
      ...string('c'),
    ],
  )
})

describe('the server', () => {
  test('asks about a host that holds its key, by the names the client said', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(run()), [proof(signedHere()), asks('attempt', seen.answer(accept({ id: 1 }))), sends(UserauthSuccess)]),
    )
    assert.deepEqual(result, { is: 'authenticated', user: 'ada', service: 'ssh-connection', identity: { id: 1 }, methods: ['hostbased'] })
    assert.deepEqual(
      seen.questions.map(({ attempt }) => attempt),
      [
        {
          method: 'hostbased',
          algorithm: 'ssh-ed25519',
          publicKey: key.blob,
          fingerprint: key.fingerprint,
          clientHost: 'desk.example.org.',
          clientUser: 'lovelace',
        },
      ],
    )
  })
  test('tells a host it does not believe no more than others', () => {
    waits(
      play(serverAuthentication(run()), [
        proof(signedHere()),
        asks('attempt', refuse('password')),
        sends(UserauthFailure, { canContinue: ['password'] }),
      ]),
    )
  })

  describe('asks nobody about a signature', () => {
    const cases: readonly [string, Line][] = [
      ['over another session', proof(signedHere(key, { sessionId: new Uint8Array(32) }))],
      ['over another user', proof(signedHere(key, { user: 'root' }))],
      ['for another user than it was made', proof(signedHere(), {}, 'root')],
      ['over another service', proof(signedHere(key, { service: 'ssh-userauth' }))],
      ['over another host', proof(signedHere(key, {}, { clientHost: 'cellar.example.org.' }))],
      ['over the same host without its dot', proof(signedHere(key, {}, { clientHost: 'desk.example.org' }))],
      ['over another user of the host', proof(signedHere(key, {}, { clientUser: 'babbage' }))],
      ['by another key', proof(signedHere(other))],
      ['over another key', proof(signedHere(key, {}, { publicKey: other.blob }))],
      ['of 64 zeros', proof(signatureBlob('ssh-ed25519', new Uint8Array(64)))],
      ['that is empty', proof(new Uint8Array(0))],
      ['whose blob names another algorithm', proof(signatureBlob('ssh-rsa', signedHere().subarray(19)))],
      ['with an algorithm we do not take', proof(signedHere(), { algorithmName: 'ssh-dss' })],
      ['with an algorithm that is not of this key', proof(signedHere(), { algorithmName: 'rsa-sha2-512' })],
    ]
    for (const [what, line] of cases) test(what, () => waits(play(serverAuthentication(run()), [line, refusedUnasked])))
    test('made for publickey, which a user of that host may have had signed', () => {
      const asUser = encode(
        struct({
          session: bytes,
          number: byte,
          user: text,
          service: text,
          method: text,
          rest: bytes,
        }),
        { session: sessionId, number: 50, user: 'ada', service: 'ssh-connection', method: 'publickey', rest: key.blob },
      )
      waits(play(serverAuthentication(run()), [proof(key.sign(asUser)), refusedUnasked]))
    })
  })

  test('has algorithms of its own for hosts', () => {
    waits(play(serverAuthentication(run({ hostbasedAlgorithms: ['rsa-sha2-512'] })), [proof(signedHere()), refusedUnasked]))
    const seen = recorder()
    returned(
      play(serverAuthentication(run({ acceptedAlgorithms: [], hostbasedAlgorithms: ['ssh-ed25519'] })), [
        proof(signedHere()),
        asks('attempt', seen.answer(accept(1))),
        sends(UserauthSuccess),
      ]),
    )
  })
  test('does not run it when it is not among the methods', () => {
    waits(
      play(serverAuthentication(run({ methods: ['password'] })), [
        proof(signedHere()),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: false }),
      ]),
    )
  })
  test('takes a request with bytes left over for malformed', () => {
    const long = Uint8Array.from([...details(signedHere()), 0])
    assert.ok(thrown(play(serverAuthentication(run()), [gives(UserauthRequest, request('hostbased', long))]), WireError))
  })
})

const credential = (sign: (data: Uint8Array) => Uint8Array = key.sign): Credential => ({
  method: 'hostbased',
  publicKey: key.blob,
  algorithm: 'ssh-ed25519',
  fingerprint: key.fingerprint,
  source: '/etc/ssh/ssh_host_ed25519_key',
  clientHost: 'desk.example.org.',
  clientUser: 'lovelace',
  sign,
})
const giveUp = asks('credential', { method: 'give-up', notes: [] })

describe('the client', () => {
  test('has the host sign, and shows key and names', () => {
    const result = returned(
      play(clientAuthentication(clientRun()), [
        asks('credential', credential()),
        asks('signature', (question: SignatureQuestion) => key.sign(question.data)),
        sends(UserauthRequest, request('hostbased', details(signedHere()))),
        gives(UserauthSuccess, {}),
      ]),
    )
    assert.deepEqual(result.attempts, [
      { method: 'hostbased', fingerprint: key.fingerprint, source: '/etc/ssh/ssh_host_ed25519_key', outcome: 'accepted', remaining: [] },
    ])
  })
  test('tells in the end as whom of which host it came', () => {
    const error = thrown(
      play(clientAuthentication(clientRun()), [
        asks('credential', credential()),
        asks('signature', (question: SignatureQuestion) => key.sign(question.data)),
        sends(UserauthRequest),
        gives(UserauthFailure, { canContinue: ['hostbased'], partialSuccess: false }),
        giveUp,
      ]),
      AuthenticationError,
    )
    assert.match(
      error.message,
      /hostbased SHA256:\S+ from \/etc\/ssh\/ssh_host_ed25519_key: refused.*\(as lovelace of desk\.example\.org\.\)/,
    )
    assert.match(error.message, /shosts/)
  })
  for (const [what, made, note] of [
    ['no signature', undefined, /no signature could be made/],
    ['one of another algorithm', signatureBlob('ssh-rsa', new Uint8Array(4)), /answered with ssh-rsa/],
    ['what is no signature', Uint8Array.of(1, 2), /no signature/],
  ] as const)
    test(`sends nothing when the helper makes ${what}`, () => {
      const error = thrown(
        play(clientAuthentication(clientRun()), [asks('credential', credential()), asks('signature', made), giveUp]),
        AuthenticationError,
      )
      assert.equal(error.attempts[0].outcome, 'skipped')
      assert.match(error.attempts[0].note ?? '', note)
    })
})

test('both sides together', async () => {
  const { right } = await converse(
    {
      dialogue: clientAuthentication(clientRun()),
      answer: (question: SignatureQuestion | { is: 'credential' }) =>
        question.is === 'signature' ? key.sign(question.data) : credential(),
    },
    {
      dialogue: serverAuthentication(run()),
      answer: ({ attempt }: AttemptQuestion) => accept(attempt.method === 'hostbased' ? attempt.clientUser : undefined),
    },
  )
  assert.equal(right.identity, 'lovelace')
})

// publickey (RFC 4252 §7): the query never counts as proof, and a proof is for one session, user, key and algorithm.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthFailure, UserauthPkOk, UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import { publickeySignedData } from '../../../src/auth/methods/publickey.ts'
import type { AttemptQuestion, Credential, SignatureQuestion } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { AuthenticationError, ProtocolError, WireError } from '../../../src/errors.ts'
import { bytes, encode, struct, text } from '../../../src/wire/codec.ts'
import { asks, converse, gives, type Line, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import {
  accept,
  clientRun,
  keyCredential,
  partial,
  plainProof,
  proofDetails,
  prove,
  queryDetails,
  recorder,
  refuse,
  request,
  serverRun,
  sessionId,
  signatureBlob,
  testKey,
} from '../fixtures.ts'

const key = testKey(1)
const other = testKey(2)
const here = { sessionId, user: 'ada', service: 'ssh-connection' }
const signedHere = (by = key, over: Partial<typeof here> = {}, blob = by.blob) =>
  by.sign(publickeySignedData({ ...here, ...over }, 'ssh-ed25519', blob))
const query = gives(UserauthRequest, request('publickey', queryDetails('ssh-ed25519', key.blob)))
const proof = (signature: Uint8Array, blob = key.blob, algorithm = 'ssh-ed25519', user = 'ada') =>
  gives(UserauthRequest, request('publickey', proofDetails(algorithm, blob, signature), user))
const refusedUnasked = sends(UserauthFailure, { canContinue: serverRun().methods, partialSuccess: false })

test('what is signed, byte for byte (RFC 4252 §7)', () => {
  const data = publickeySignedData({ sessionId: Uint8Array.of(1, 2), user: 'u', service: 's' }, 'a', Uint8Array.of(9))
  assert.deepEqual(
    [...data],
    // session id, 50, user, service, "publickey", TRUE, algorithm, key
    [
      0,
      0,
      0,
      2,
      1,
      2,
      50,
      0,
      0,
      0,
      1,
      0x75,
      0,
      0,
      0,
      1,
      0x73,
      0,
      0,
      0,
      9,
      ...new TextEncoder().encode('publickey'),
      1,
      0,
      0,
      0,
      1,
      0x61,
      0,
      0,
      0,
      1,
      9,
    ],
  )
})

describe('the server', () => {
  test('lets in who proves the key', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [
        proof(signedHere()),
        asks('attempt', seen.answer(accept({ id: 1 }))),
        sends(UserauthSuccess),
      ]),
    )
    assert.deepEqual(result, { is: 'authenticated', user: 'ada', service: 'ssh-connection', identity: { id: 1 }, methods: ['publickey'] })
    assert.deepEqual(
      // Of the fingerprint only those pay who look at it, so it is no field of its own.
      seen.questions.map(({ attempt }) => ({ ...attempt, fingerprint: attempt.method === 'publickey' ? attempt.fingerprint : undefined })),
      [
        {
          method: 'publickey',
          algorithm: 'ssh-ed25519',
          publicKey: key.blob,
          fingerprint: key.fingerprint,
          proven: true,
          securityKey: undefined,
        },
      ],
    )
  })

  describe('a query', () => {
    for (const [name, verdict] of [
      ['accept', accept('query')],
      ['partial', partial('password')],
    ] as const) {
      test(`answered ${name} yields PK_OK with algorithm and key, and lets nobody in`, () => {
        const seen = recorder()
        const outcome = play(serverAuthentication(serverRun()), [
          query,
          asks('attempt', seen.answer(verdict)),
          sends(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: key.blob }),
        ])
        waits(outcome)
        assert.ok(seen.questions[0].attempt.method === 'publickey' && seen.questions[0].attempt.proven === false)
      })
    }
    test('that is refused is told so', () => {
      waits(
        play(serverAuthentication(serverRun()), [
          query,
          asks('attempt', refuse('password')),
          sends(UserauthFailure, { canContinue: ['password'] }),
        ]),
      )
    })
    test('accepted, followed by a proof that is refused, is a refusal', () => {
      waits(
        play(serverAuthentication(serverRun()), [
          query,
          asks('attempt', accept('query')),
          sends(UserauthPkOk),
          proof(signedHere()),
          asks('attempt', refuse('publickey')),
          sends(UserauthFailure, { partialSuccess: false }),
        ]),
      )
    })
    test('gives no identity: that of the proof counts', () => {
      const result = returned(
        play(serverAuthentication(serverRun()), [
          query,
          asks('attempt', accept('of the query')),
          sends(UserauthPkOk),
          proof(signedHere()),
          asks('attempt', accept('of the proof')),
          sends(UserauthSuccess),
        ]),
      )
      assert.equal(result.identity, 'of the proof')
      assert.deepEqual(result.methods, ['publickey'])
    })
    test('about one key does not help another', () => {
      waits(
        play(serverAuthentication(serverRun()), [
          query,
          asks('attempt', accept('ada')),
          sends(UserauthPkOk),
          // Signed by the wrong key for the key that was asked about.
          proof(signedHere(other, {}, key.blob)),
          refusedUnasked,
        ]),
      )
    })
    test('that carries a signature is malformed', () => {
      const details = proofDetails('ssh-ed25519', key.blob, signedHere())
      details[0] = 0
      assert.ok(thrown(play(serverAuthentication(serverRun()), [gives(UserauthRequest, request('publickey', details))]), WireError))
    })
  })

  describe('a proof fails, without a question,', () => {
    const cases: readonly [string, Line][] = [
      ['over another session', proof(signedHere(key, { sessionId: new Uint8Array(32) }))],
      ['over a session id that is a prefix', proof(signedHere(key, { sessionId: sessionId.subarray(0, 31) }))],
      ['over another user', proof(signedHere(key, { user: 'root' }))],
      ['for another user than it was made', proof(signedHere(), key.blob, 'ssh-ed25519', 'root')],
      ['over another service', proof(signedHere(key, { service: 'ssh-userauth' }))],
      ['by another key', proof(signedHere(other), key.blob)],
      ['over another key', proof(signedHere(key, {}, other.blob))],
      ['of 64 zeros', proof(signatureBlob('ssh-ed25519', new Uint8Array(64)))],
      ['with an empty signature', proof(new Uint8Array(0))],
      ['whose blob names another algorithm', proof(signatureBlob('ssh-rsa', signedHere().subarray(19)))],
      ['with an algorithm we do not take', proof(signedHere(), key.blob, 'ssh-dss')],
      ['with an algorithm that is not of this key', proof(signedHere(), key.blob, 'rsa-sha2-512')],
    ]
    for (const [what, line] of cases) test(what, () => waits(play(serverAuthentication(serverRun()), [line, refusedUnasked])))
    test('as one failed attempt each', () => {
      const error = thrown(
        play(serverAuthentication(serverRun({ maximumAttempts: 2 })), [cases[0][1], refusedUnasked, cases[1][1]]),
        ProtocolError,
      )
      assert.equal(error.violation, 'too-many-auth-attempts')
    })
  })

  test('a key of another type than the algorithm fails, even if verification would not mind', () => {
    const run = serverRun({ prove: () => plainProof })
    waits(
      play(serverAuthentication(run), [proof(signatureBlob('rsa-sha2-512', new Uint8Array(8)), key.blob, 'rsa-sha2-512'), refusedUnasked]),
    )
    waits(
      play(serverAuthentication(run), [
        gives(UserauthRequest, request('publickey', queryDetails('rsa-sha2-512', key.blob))),
        refusedUnasked,
      ]),
    )
  })
  test('an algorithm that is switched off fails unasked, although key and signature fit it', () => {
    const told: unknown[] = []
    const run = serverRun({ acceptedAlgorithms: ['rsa-sha2-512'], prove: () => plainProof, untaken: each => told.push(each) })
    waits(play(serverAuthentication(run), [proof(signedHere()), refusedUnasked]))
    waits(
      play(serverAuthentication(run), [
        gives(UserauthRequest, request('publickey', queryDetails('ssh-ed25519', key.blob))),
        refusedUnasked,
      ]),
    )
    const untaken = { user: 'ada', method: 'publickey', algorithm: 'ssh-ed25519', publicKey: key.blob }
    assert.deepEqual(told, [untaken, untaken], 'whoever keeps a log is told')
  })
  test('an RSA proof whose signature is SHA-1 is not even verified', () => {
    const blob = encode(struct({ type: text, e: bytes }), { type: 'ssh-rsa', e: Uint8Array.of(3) })
    let verified = 0
    const run = serverRun({ prove: () => (++verified > 0 ? plainProof : undefined) })
    waits(play(serverAuthentication(run), [proof(signatureBlob('ssh-rsa', new Uint8Array(8)), blob, 'rsa-sha2-512'), refusedUnasked]))
    assert.equal(verified, 0)
    returned(
      play(serverAuthentication(run), [
        proof(signatureBlob('rsa-sha2-512', new Uint8Array(8)), blob, 'rsa-sha2-512'),
        asks('attempt', accept(1)),
        sends(UserauthSuccess),
      ]),
    )
    assert.equal(verified, 1)
  })
  test('verify is given exactly the key, algorithm, data and signature', () => {
    const given: unknown[] = []
    const signature = signedHere()
    play(
      serverAuthentication(
        serverRun({ prove: (...all) => void given.push(...all.map(each => (typeof each === 'string' ? each : each.slice()))) }),
      ),
      [proof(signature)],
    )
    assert.deepEqual(given, [key.blob, 'ssh-ed25519', publickeySignedData(here, 'ssh-ed25519', key.blob), signature])
  })
  test('verification that cannot read the key is a failure; another error is not hidden', () => {
    const refusing = serverRun({
      prove: () => {
        throw new WireError('not a point')
      },
    })
    waits(play(serverAuthentication(refusing), [proof(signedHere()), refusedUnasked]))
    const broken = serverRun({
      prove: () => {
        throw new RangeError('broken')
      },
    })
    assert.equal(thrown(play(serverAuthentication(broken), [proof(signedHere())]), RangeError).message, 'broken')
  })
  test('a request cut off anywhere is malformed', () => {
    const details = proofDetails('ssh-ed25519', key.blob, signedHere())
    for (let length = 0; length < details.length; length++) {
      thrown(
        play(serverAuthentication(serverRun()), [gives(UserauthRequest, request('publickey', details.subarray(0, length)))]),
        WireError,
      )
    }
  })
  test('the key in a question outlives the receive buffer', () => {
    let asked: AttemptQuestion | undefined
    play(serverAuthentication(serverRun()), [
      query,
      asks<AttemptQuestion>('attempt', (question: AttemptQuestion) => ((asked = question), accept(1))),
      sends(UserauthPkOk, { publicKey: key.blob }),
    ])
    assert.ok(asked?.attempt.method === 'publickey')
    assert.deepEqual(asked.attempt.publicKey, key.blob)
  })
})

describe('the client', () => {
  const offer = (query: boolean, credential: Partial<Extract<Credential, { method: 'publickey' }>> = {}) =>
    asks('credential', { ...keyCredential(key, query), ...credential })
  const sendsQuery = sends(UserauthRequest, { methodName: 'publickey', details: queryDetails('ssh-ed25519', key.blob) })
  const okay = gives(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: key.blob })
  const signs = asks<SignatureQuestion>('signature', (question: SignatureQuestion) => key.sign(question.data))
  const sendsProof = sends(UserauthRequest, { methodName: 'publickey', details: proofDetails('ssh-ed25519', key.blob, signedHere()) })
  const giveUp = asks('credential', { method: 'give-up', notes: [] })
  const failure = gives(UserauthFailure, { canContinue: ['publickey'], partialSuccess: false })
  const violation = (...lines: Line[]) => thrown(play(clientAuthentication(clientRun()), lines), ProtocolError).violation
  const refusal = (lines: readonly Line[], run = clientRun()) =>
    thrown(play(clientAuthentication(run), lines), AuthenticationError).attempts

  test('asks about the key, then proves it', () => {
    const result = returned(
      play(clientAuthentication(clientRun()), [offer(true), sendsQuery, okay, signs, sendsProof, gives(UserauthSuccess, {})]),
    )
    assert.deepEqual(result.attempts, [
      { method: 'publickey', fingerprint: key.fingerprint, source: '~/.ssh/id_ed25519', outcome: 'accepted', remaining: [] },
    ])
  })
  test('proves at once when told so', () => {
    returned(play(clientAuthentication(clientRun()), [offer(false), signs, sendsProof, gives(UserauthSuccess, {})]))
  })
  test('signs nothing for a key the server refuses', () => {
    assert.deepEqual(
      refusal([offer(true), sendsQuery, failure, giveUp]).map(each => each.outcome),
      ['refused'],
    )
  })
  test('a proof may be refused after PK_OK', () => {
    assert.deepEqual(
      refusal([offer(true), sendsQuery, okay, signs, sendsProof, failure, giveUp]).map(each => each.outcome),
      ['refused'],
    )
  })
  test('PK_OK for another key is a violation', () => {
    assert.equal(
      violation(offer(true), sendsQuery, gives(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: other.blob })),
      'message-unexpected',
    )
  })
  test('PK_OK for another algorithm is a violation', () => {
    assert.equal(
      violation(offer(true), sendsQuery, gives(UserauthPkOk, { algorithmName: 'ssh-rsa', publicKey: key.blob })),
      'message-unexpected',
    )
  })
  test('PK_OK in answer to a proof is a violation', () =>
    assert.equal(violation(offer(false), signs, sendsProof, okay), 'message-unexpected'))
  test('SUCCESS in answer to a query is a violation', () =>
    assert.equal(violation(offer(true), sendsQuery, gives(UserauthSuccess, {})), 'message-unexpected'))
  test('a signature that cannot be made skips the key', () => {
    const [attempt] = refusal([offer(true), sendsQuery, okay, asks('signature', undefined), giveUp])
    assert.equal(attempt.outcome, 'skipped')
    assert.match(attempt.note ?? '', /no signature could be made/)
  })
  test('a signature by another algorithm than asked for is not sent', () => {
    const [attempt] = refusal([
      offer(false, { algorithm: 'rsa-sha2-512' }),
      asks('signature', signatureBlob('ssh-rsa', new Uint8Array(4))),
      giveUp,
    ])
    assert.deepEqual([attempt.outcome, attempt.note], ['skipped', 'the signer answered with ssh-rsa where rsa-sha2-512 was asked for'])
  })
  test('a signature under the plain name is right for a certificate', () => {
    const lines = [
      offer(false, { algorithm: 'ssh-ed25519-cert-v01@openssh.com' }),
      signs,
      sends(UserauthRequest),
      gives(UserauthSuccess, {}),
    ]
    returned(play(clientAuthentication(clientRun()), lines))
  })
  test('a signature that is none is not sent', () => {
    const [attempt] = refusal([offer(false), asks('signature', Uint8Array.of(1, 2, 3)), giveUp])
    assert.equal(attempt.outcome, 'skipped')
  })
  test('a refusal names server-sig-algs when the algorithm is not among them', () => {
    const run = clientRun({ serverSignatureAlgorithms: () => ['rsa-sha2-512'] })
    const [attempt] = refusal([offer(true), sendsQuery, failure, giveUp], run)
    assert.match(attempt.note ?? '', /does not list ssh-ed25519 .*server-sig-algs/)
    assert.equal(refusal([offer(true), sendsQuery, failure, giveUp])[0].note, undefined)
  })
})

test('both sides together', async () => {
  const asked: boolean[] = []
  const { left, right, transcript } = await converse(
    {
      dialogue: clientAuthentication(clientRun()),
      answer: (question: SignatureQuestion | { is: 'credential'; remaining: unknown }) =>
        question.is === 'signature'
          ? key.sign(question.data)
          : question.remaining === undefined
            ? ({ method: 'none' } satisfies Credential)
            : keyCredential(key),
    },
    {
      dialogue: serverAuthentication(serverRun({ prove })),
      answer: ({ attempt }: AttemptQuestion) => {
        if (attempt.method !== 'publickey') return refuse('publickey')
        asked.push(attempt.proven)
        return accept(attempt.fingerprint)
      },
    },
  )
  assert.equal(right.identity, key.fingerprint)
  assert.deepEqual(
    left.attempts.map(each => each.outcome),
    ['refused', 'accepted'],
  )
  assert.deepEqual(asked, [false, true])
  assert.deepEqual(
    transcript.map(line => line.replace(/SSH_MSG_USERAUTH_/, '')),
    ['left: REQUEST', 'right: FAILURE', 'left: REQUEST', 'right: PK_OK', 'left: REQUEST', 'right: SUCCESS'],
  )
})

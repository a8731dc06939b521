// Every sequence of messages of somebody who wants to be let in, held against a model written from RFC 4252 and RFC 4256:
// what is answered, what is counted, what is forgotten with a change of name, and that nobody gets in who should not.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserauthBanner, UserauthFailure, UserauthInfoResponse, UserauthRequest, UserauthSuccess } from '../../src/auth/messages.ts'
import type { AttemptQuestion, Verdict } from '../../src/auth/questions.ts'
import { GlobalRequest } from '../../src/connection/messages.ts'
import { Ignore, Ping, ServiceRequest } from '../../src/transport/messages.ts'
import { bytes, encode, struct, text } from '../../src/wire/codec.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { interactiveDetails, noDetails, passwordDetails, proofDetails, queryDetails, request, signatureBlob } from '../auth/fixtures.ts'
import { accountBook, beginning, maximumAttempts, modelOf, otherLetters, requestLetters, responseLetters } from './auth-server-model.ts'
import { explore, type Subject } from './explore.ts'
import { RawPeer } from './raw-peer.ts'

const timeout = 60_000
const key = encode(struct({ type: text, key: bytes }), { type: 'ssh-ed25519', key: new Uint8Array(32).fill(9) })

/** What a signature is made over, written out once more (RFC 4252 §7). The session identifier is all zeros here. */
const signedData = (user: string): Uint8Array => {
  const string = (value: Uint8Array | string): number[] => {
    const raw = typeof value === 'string' ? [...new TextEncoder().encode(value)] : [...value]
    return [0, 0, raw.length >> 8, raw.length & 0xff, ...raw]
  }
  const fields = [string(new Uint8Array(32)), [50], string(user), string('ssh-connection'), string('publickey'), [1]]
  return Uint8Array.from([...fields, string('ssh-ed25519'), string(key)].flat())
}
/** A signature here is a count of what it is over. */
const sign = (data: Uint8Array): Uint8Array => {
  const signature = new Uint8Array(64).fill(7)
  let count = data.length
  for (const byte of data) count = (Math.imul(count, 31) + byte) >>> 0
  new DataView(signature.buffer).setUint32(0, count)
  return signature
}
const verify = (data: Uint8Array, signature: Uint8Array): boolean => sign(data).every((byte, i) => byte === signature[i])
const proof = (user: string): Uint8Array => proofDetails('ssh-ed25519', key, signatureBlob('ssh-ed25519', sign(signedData(user))))
const wrongProof = proofDetails('ssh-ed25519', key, signatureBlob('ssh-ed25519', new Uint8Array(64)))

const asking = (method: string, details: Uint8Array, user?: string, service?: string): Uint8Array =>
  encodeMessage(UserauthRequest, request(method, details, user, service))

const payloads: Readonly<Record<string, Uint8Array>> = {
  'ada: none': asking('none', noDetails),
  'ada: right password': asking('password', passwordDetails('right')),
  'ada: wrong password': asking('password', passwordDetails('wrong')),
  'bob: right password': asking('password', passwordDetails('right'), 'bob'),
  'ada: asks about her key': asking('publickey', queryDetails('ssh-ed25519', key)),
  'bob: asks about her key': asking('publickey', queryDetails('ssh-ed25519', key), 'bob'),
  'ada: proves her key': asking('publickey', proof('ada')),
  'ada: wrong proof': asking('publickey', wrongProof),
  "ada: proof made for bob's name": asking('publickey', proof('bob')),
  'bob: proves her key': asking('publickey', proof('bob'), 'bob'),
  'ada: keyboard-interactive': asking('keyboard-interactive', interactiveDetails()),
  'ada: a method nobody knows': asking('nonsense', noDetails),
  'ada: for another service': asking('none', noDetails, 'ada', 'ssh-nonsense'),
  'a name with a line break': asking('none', noDetails, 'a\nda'),
  'ada: cut short': asking('publickey', proof('ada').subarray(0, -70)),
  'right response': encodeMessage(UserauthInfoResponse, { responses: ['right'] }),
  'wrong response': encodeMessage(UserauthInfoResponse, { responses: ['wrong'] }),
  'two responses': encodeMessage(UserauthInfoResponse, { responses: ['right', 'right'] }),
  SERVICE_REQUEST: encodeMessage(ServiceRequest, { serviceName: 'ssh-userauth' }),
  'SERVICE_REQUEST for another': encodeMessage(ServiceRequest, { serviceName: 'ssh-connection' }),
  USERAUTH_SUCCESS: encodeMessage(UserauthSuccess, {}),
  USERAUTH_FAILURE: encodeMessage(UserauthFailure, { canContinue: [], partialSuccess: true }),
  USERAUTH_BANNER: encodeMessage(UserauthBanner, { message: '', languageTag: '' }),
  PK_OK: Uint8Array.of(60, ...new Uint8Array(8)),
  GLOBAL_REQUEST: encodeMessage(GlobalRequest, { requestName: 'nonsense@example.org', wantReply: true, details: noDetails }),
  PING: encodeMessage(Ping, { data: noDetails }),
  IGNORE: encodeMessage(Ignore, { data: noDetails }),
}

/** The account book asked as an application asks it. What was proven is forgotten when the questions begin anew. */
const application = () => {
  let keyPassed = false
  return ({ user, attempt, ordinal }: AttemptQuestion): Verdict => {
    if (ordinal === 0) keyPassed = false
    const asked = (what: 'none' | 'key' | 'password' | 'response', right: boolean): Verdict => {
      const verdict = accountBook({ user, what, right }, keyPassed)
      return verdict.is === 'accept' ? { is: 'accept', identity: user } : verdict
    }
    switch (attempt.method) {
      case 'publickey': {
        const verdict = asked('key', true)
        if (attempt.proven && verdict.is === 'partial') keyPassed = true
        return verdict
      }
      case 'password':
        return asked('password', attempt.password.reveal() === 'right')
      case 'keyboard-interactive':
        return { is: 'prompt', name: '', instruction: '', prompts: [{ prompt: 'Well?', echo: false }] }
      case 'keyboard-interactive-response':
        return asked('response', attempt.responses[0].reveal() === 'right')
      default:
        return asked('none', false)
    }
  }
}

const fresh = (said: readonly string[] = []): Subject => {
  const victim = { role: 'server', maximumAttempts, attempt: application() } as const
  const peer = new RawPeer(victim, { verify }).exchangeKeys()
  const act = (letter: string): readonly string[] => {
    peer.payload(payloads[letter])
    return peer.look()
  }
  for (const letter of said) act(letter)
  return { act }
}

describe('a server that lets somebody in', () => {
  const all = [...requestLetters, ...responseLetters, ...otherLetters]

  it('is given every sequence of 3 messages from the beginning', { timeout }, context => {
    const walk = explore(modelOf(beginning, all), () => fresh(), 3, 'IGNORE')
    context.diagnostic(`${walk.sequences} sequences`)
    assert.ok(walk.sequences > 500)
  })

  const walkAfterService = (letters: readonly string[], more: readonly string[], depth: number) =>
    explore(modelOf({ ...beginning, stage: 'auth' }, letters, more), () => fresh(['SERVICE_REQUEST']), depth, 'IGNORE')
  const core = [
    ...['ada: none', 'ada: right password', 'bob: right password', 'ada: proves her key', 'bob: proves her key'],
    ...['ada: keyboard-interactive', 'right response'],
  ]

  it('is given every sequence of 3 requests, and after each anything there is', { timeout }, context => {
    const every = ['ada: asks about her key', 'ada: wrong proof', 'two responses', ...core]
    const walk = walkAfterService(
      every,
      all.filter(each => !every.includes(each)),
      4,
    )
    context.diagnostic(`${walk.sequences} sequences`)
    assert.ok(walk.sequences > 5000)
  })

  it('is given every sequence of 5 requests that lead somewhere', { timeout }, context => {
    const walk = walkAfterService(core, [], 5)
    context.diagnostic(`${walk.sequences} sequences`)
    assert.ok(walk.sequences > 5000)
  })
})

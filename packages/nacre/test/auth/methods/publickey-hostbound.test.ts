// A proof of a key that names the server's key (OpenSSH PROTOCOL §3.1): sent where the signer wants it and the server takes it;
// taken for the key this connection began with, and for that alone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthFailure, UserauthPkOk, UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import { publickeySignedData } from '../../../src/auth/methods/publickey.ts'
import type { SignatureQuestion } from '../../../src/auth/questions.ts'
import { serverAuthentication } from '../../../src/auth/server.ts'
import { ProtocolError, WireError } from '../../../src/errors.ts'
import { readExtensionInfo } from '../../../src/transport/extension-info.ts'
import { boolean, bytes, encode, struct, text } from '../../../src/wire/codec.ts'
import { Writer } from '../../../src/wire/writer.ts'
import { asks, gives, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import {
  accept,
  clientRun,
  keyCredential,
  partial,
  proofDetails,
  recorder,
  refuse,
  request,
  serverKey as hostKey,
  serverRun,
  sessionId,
  testKey,
} from '../fixtures.ts'

const key = testKey(1)
const here = { sessionId, user: 'ada', service: 'ssh-connection' }

const method = 'publickey-hostbound-v00@openssh.com'
const boundQuery = struct({ hasSignature: boolean, algorithm: text, publicKey: bytes, hostKey: bytes })
const bound = struct({ hasSignature: boolean, algorithm: text, publicKey: bytes, hostKey: bytes, signature: bytes })

/** Logs in with a key; gives what was signed. */
const login = (namesHost: boolean | undefined, hostKeyToName: (() => Uint8Array | undefined) | undefined, named: boolean): Uint8Array => {
  const data = publickeySignedData(here, key.algorithm, key.blob, named ? hostKey : undefined)
  const signature = key.sign(data)
  let signed = new Uint8Array(0)
  const details = named
    ? encode(bound, { hasSignature: true, algorithm: key.algorithm, publicKey: key.blob, hostKey, signature })
    : proofDetails(key.algorithm, key.blob, signature)
  returned(
    play(clientAuthentication(clientRun(hostKeyToName === undefined ? {} : { hostKeyToName })), [
      asks('credential', { ...keyCredential(key, false), ...(namesHost === undefined ? {} : { namesHost }) }),
      asks('signature', (question: SignatureQuestion) => {
        signed = question.data.slice()
        return key.sign(question.data)
      }),
      sends(UserauthRequest, request(named ? method : 'publickey', details)),
      gives(UserauthSuccess, {}),
    ]),
  )
  return signed
}

describe('a proof that names the server', () => {
  test('goes by a method of its own, and the name is signed', () => {
    const signed = login(true, () => hostKey, true)
    const behind = encode(bytes, hostKey)
    assert.deepEqual(signed.subarray(-behind.length), behind)
    assert.ok(Buffer.from(signed).includes(method))
  })
  test('is not sent for a signer that does not care, nor to a server that does not take it', () => {
    login(undefined, () => hostKey, false)
    login(true, () => undefined, false)
    login(true, undefined, false)
  })
})

describe('a server says that it takes such proofs', () => {
  const announced = (name: string, value: string): boolean => {
    const writer = new Writer()
    writer.uint32(1)
    writer.text(name)
    writer.text(value)
    return readExtensionInfo(writer.written()).hostBound
  }
  test('in its EXT_INFO, of the version there is', () => {
    assert.equal(announced('publickey-hostbound@openssh.com', '0'), true)
    assert.equal(announced('publickey-hostbound@openssh.com', '1'), false)
    assert.equal(announced('publickey-hostbound', '0'), false)
  })
})

describe('a server', () => {
  /** A proof for the server that `named` is, signed over `signedFor`. */
  const proof = (named = hostKey, signedFor: Uint8Array | undefined = named) => {
    const signature = key.sign(publickeySignedData(here, key.algorithm, key.blob, signedFor))
    const fields = { hasSignature: true, algorithm: key.algorithm, publicKey: key.blob, hostKey: named, signature }
    return gives(UserauthRequest, request(method, encode(bound, fields)))
  }
  const query = (named = hostKey) => {
    const fields = { hasSignature: false, algorithm: key.algorithm, publicKey: key.blob, hostKey: named }
    return gives(UserauthRequest, request(method, encode(boundQuery, fields)))
  }
  const failure = sends(UserauthFailure, { canContinue: serverRun().methods, partialSuccess: false })
  const another = new TextEncoder().encode('the key of a server')

  test('lets in by a proof that names its key; whoever judges sees a proven key, by the method publickey', () => {
    const seen = recorder()
    const result = returned(
      play(serverAuthentication(serverRun()), [proof(), asks('attempt', seen.answer(accept('ada'))), sends(UserauthSuccess)]),
    )
    assert.deepEqual(result.methods, ['publickey'])
    const { attempt } = seen.questions[0]
    assert.ok(attempt.method === 'publickey' && attempt.proven)
  })
  test('answers a query, which proves nothing', () => {
    const seen = recorder()
    waits(
      play(serverAuthentication(serverRun()), [
        query(),
        asks('attempt', seen.answer(accept('ada'))),
        sends(UserauthPkOk, { algorithmName: key.algorithm, publicKey: key.blob }),
      ]),
    )
    const { attempt } = seen.questions[0]
    assert.ok(attempt.method === 'publickey' && !attempt.proven)
  })
  for (const [what, line] of [
    ['a proof', proof(another)],
    ['a query', query(another)],
    ['a proof, signed for this one,', proof(another, hostKey)],
    ['a proof that names a part of the key', proof(hostKey.subarray(0, -1))],
  ] as const)
    test(`ends the connection when ${what} is for another server`, () => {
      const error = thrown(play(serverAuthentication(serverRun()), [line]), ProtocolError)
      assert.equal(error.violation, 'auth-host-key-wrong')
    })
  test('is not asked when what is signed names another server, or none', () => {
    waits(play(serverAuthentication(serverRun()), [proof(hostKey, another), failure]))
    const signature = key.sign(publickeySignedData(here, key.algorithm, key.blob))
    const fields = { hasSignature: true, algorithm: key.algorithm, publicKey: key.blob, hostKey, signature }
    waits(play(serverAuthentication(serverRun()), [gives(UserauthRequest, request(method, encode(bound, fields))), failure]))
  })
  test('takes what is signed with a name for no plain proof', () => {
    const signature = key.sign(publickeySignedData(here, key.algorithm, key.blob, hostKey))
    waits(
      play(serverAuthentication(serverRun()), [
        gives(UserauthRequest, request('publickey', proofDetails(key.algorithm, key.blob, signature))),
        failure,
      ]),
    )
  })
  test('refuses both names when publickey may not continue, and lists the one', () => {
    const methods = ['password']
    waits(play(serverAuthentication(serverRun({ methods })), [proof(), sends(UserauthFailure, { canContinue: methods })]))
    waits(
      play(serverAuthentication(serverRun()), [
        proof(),
        asks('attempt', partial('password')),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: true }),
        proof(),
        sends(UserauthFailure, { canContinue: ['password'], partialSuccess: false }),
      ]),
    )
    waits(
      play(serverAuthentication(serverRun()), [
        proof(),
        asks('attempt', refuse('publickey')),
        sends(UserauthFailure, { canContinue: ['publickey'], partialSuccess: false }),
      ]),
    )
  })
  test('finds a request without the key of a server malformed', () => {
    const signature = key.sign(publickeySignedData(here, key.algorithm, key.blob))
    const line = gives(UserauthRequest, request(method, proofDetails(key.algorithm, key.blob, signature)))
    assert.ok(thrown(play(serverAuthentication(serverRun()), [line]), WireError))
  })
})

// A proof of a key that names the server's key (OpenSSH PROTOCOL §3.1): sent where the signer wants it and the server takes it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientAuthentication } from '../../../src/auth/client.ts'
import { UserauthRequest, UserauthSuccess } from '../../../src/auth/messages.ts'
import { publickeySignedData } from '../../../src/auth/methods/publickey.ts'
import type { SignatureQuestion } from '../../../src/auth/questions.ts'
import { readExtensionInfo } from '../../../src/transport/extension-info.ts'
import { boolean, bytes, encode, struct, text } from '../../../src/wire/codec.ts'
import { Writer } from '../../../src/wire/writer.ts'
import { asks, gives, play, returned, sends } from '../../dialogue.ts'
import { clientRun, keyCredential, proofDetails, request, sessionId, testKey } from '../fixtures.ts'

const key = testKey(1)
const hostKey = new TextEncoder().encode('the key of the server')
const here = { sessionId, user: 'ada', service: 'ssh-connection' }

const method = 'publickey-hostbound-v00@openssh.com'
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

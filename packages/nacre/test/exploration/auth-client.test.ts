// Every sequence of messages of a server that somebody logs in at, held against a model written from RFC 4252 and RFC 4256:
// what is sent next, what ends the connection, and that nobody believes to be in who was not let in.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  UserauthBanner,
  UserauthFailure,
  UserauthInfoRequest,
  UserauthInfoResponse,
  UserauthPasswdChangereq,
  UserauthPkOk,
  UserauthRequest,
  UserauthSuccess,
} from '../../src/auth/messages.ts'
import type { Credential } from '../../src/auth/questions.ts'
import { GlobalRequest } from '../../src/connection/messages.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { Disconnect, Ignore, Ping, ServiceAccept, ServiceRequest } from '../../src/transport/messages.ts'
import { bytes, encode, struct, text } from '../../src/wire/codec.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { noDetails, request, signatureBlob } from '../auth/fixtures.ts'
import { passwordCredential } from '../../src/testing/pair.ts'
import { model } from './auth-client-model.ts'
import { explore, type Subject } from './explore.ts'
import { RawPeer } from './raw-peer.ts'

const publicKey = encode(struct({ type: text, key: bytes }), { type: 'ssh-ed25519', key: new Uint8Array(32).fill(9) })
const otherKey = encode(struct({ type: text, key: bytes }), { type: 'ssh-ed25519', key: new Uint8Array(32).fill(8) })

const infoRequest = (prompts: readonly { prompt: string; echo: boolean }[]): Uint8Array =>
  encodeMessage(UserauthInfoRequest, { name: '', instruction: '', languageTag: '', prompts })
const failure = (partialSuccess: boolean): Uint8Array =>
  encodeMessage(UserauthFailure, { canContinue: ['publickey', 'password', 'keyboard-interactive'], partialSuccess })

const payloads: Readonly<Record<string, Uint8Array>> = {
  PK_OK: encodeMessage(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey }),
  'PK_OK for another key': encodeMessage(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: otherKey }),
  PASSWD_CHANGEREQ: encodeMessage(UserauthPasswdChangereq, { prompt: 'New password:', languageTag: '' }),
  'INFO_REQUEST with a prompt': infoRequest([{ prompt: 'Well?', echo: false }]),
  'INFO_REQUEST without prompts': infoRequest([]),
  '60 with nothing in it': Uint8Array.of(60),
  '61': encodeMessage(UserauthInfoResponse, { responses: [] }),
  USERAUTH_SUCCESS: encodeMessage(UserauthSuccess, {}),
  USERAUTH_FAILURE: failure(false),
  'USERAUTH_FAILURE with partial success': failure(true),
  USERAUTH_BANNER: encodeMessage(UserauthBanner, { message: 'hello', languageTag: '' }),
  SERVICE_ACCEPT: encodeMessage(ServiceAccept, { serviceName: 'ssh-userauth' }),
  'SERVICE_ACCEPT for another': encodeMessage(ServiceAccept, { serviceName: 'ssh-connection' }),
  SERVICE_REQUEST: encodeMessage(ServiceRequest, { serviceName: 'ssh-userauth' }),
  USERAUTH_REQUEST: encodeMessage(UserauthRequest, request('none', noDetails)),
  GLOBAL_REQUEST: encodeMessage(GlobalRequest, { requestName: 'nonsense@example.org', wantReply: true, details: noDetails }),
  PING: encodeMessage(Ping, { data: noDetails }),
  IGNORE: encodeMessage(Ignore, { data: noDetails }),
  DISCONNECT: encodeMessage(Disconnect, { reasonCode: 11, description: '', languageTag: '' }),
}

const credentials: readonly Credential[] = [
  {
    method: 'publickey',
    publicKey,
    algorithm: 'ssh-ed25519',
    fingerprint: '',
    source: 'test',
    query: true,
    sign: () => signatureBlob('ssh-ed25519', new Uint8Array(64)),
  },
  passwordCredential(),
  { method: 'keyboard-interactive', submethods: '', source: 'test' },
]

const fresh = (): Subject => {
  const peer = new RawPeer({
    role: 'client',
    credentials,
    prompts: ({ prompts }) => prompts.map(() => 'answer'),
    'new-password': () => new Secret('other'),
  }).exchangeKeys()
  return {
    act: letter => {
      peer.payload(payloads[letter])
      return peer.look()
    },
  }
}

describe('a client that logs in', () => {
  it('is given every sequence of 5 messages', { timeout: 60_000 }, context => {
    const walk = explore(model, fresh, 5, 'IGNORE')
    context.diagnostic(`${walk.sequences} sequences`)
    assert.ok(walk.sequences > 5000)
  })
})

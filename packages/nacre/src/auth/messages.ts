// Owns the messages of the authentication protocol (RFC 4252, RFC 4256). The method-specific part of a request is
// decoded by the method's own file; numbers 60 to 79 belong to the method that is running.
import { boolean, bytes, counted, nameList, prose, rest, struct, text, uint32 } from '../wire/codec.ts'
import { type Message, message } from '../wire/message.ts'

// RFC 4252 §5
export const UserauthRequest = message(
  { name: 'SSH_MSG_USERAUTH_REQUEST', number: 50, phase: 'auth', from: 'client', secret: ['details'] },
  { userName: text, serviceName: text, methodName: text, details: rest },
)
// RFC 4252 §5.1
export const UserauthFailure = message(
  { name: 'SSH_MSG_USERAUTH_FAILURE', number: 51, phase: 'auth', from: 'server' },
  { canContinue: nameList, partialSuccess: boolean },
)
export const UserauthSuccess = message({ name: 'SSH_MSG_USERAUTH_SUCCESS', number: 52, phase: 'auth', from: 'server' }, {})
// RFC 4252 §5.4
export const UserauthBanner = message(
  { name: 'SSH_MSG_USERAUTH_BANNER', number: 53, phase: 'auth', from: 'server' },
  { message: prose, languageTag: prose },
)

// RFC 4252 §7
export const UserauthPkOk = message(
  { name: 'SSH_MSG_USERAUTH_PK_OK', number: 60, phase: 'auth', from: 'server' },
  { algorithmName: text, publicKey: bytes },
)
// RFC 4252 §8
export const UserauthPasswdChangereq = message(
  { name: 'SSH_MSG_USERAUTH_PASSWD_CHANGEREQ', number: 60, phase: 'auth', from: 'server' },
  { prompt: prose, languageTag: prose },
)
// RFC 4256 §3.2
export const UserauthInfoRequest = message(
  { name: 'SSH_MSG_USERAUTH_INFO_REQUEST', number: 60, phase: 'auth', from: 'server' },
  { name: prose, instruction: prose, languageTag: prose, prompts: counted(struct({ prompt: prose, echo: boolean }), 128) },
)
// RFC 4256 §3.4
export const UserauthInfoResponse = message(
  { name: 'SSH_MSG_USERAUTH_INFO_RESPONSE', number: 61, phase: 'auth', from: 'client', secret: ['responses'] },
  { responses: counted(text, 128) },
)

// RFC 4462 §3.3
export const UserauthGssapiResponse = message(
  { name: 'SSH_MSG_USERAUTH_GSSAPI_RESPONSE', number: 60, phase: 'auth', from: 'server' },
  { mechanism: bytes },
)
// RFC 4462 §3.4
export const UserauthGssapiToken = message(
  { name: 'SSH_MSG_USERAUTH_GSSAPI_TOKEN', number: 61, phase: 'auth', from: 'either', secret: ['token'] },
  { token: bytes },
)
// RFC 4462 §3.5, for contexts that cannot sign
export const UserauthGssapiExchangeComplete = message(
  { name: 'SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE', number: 63, phase: 'auth', from: 'client' },
  {},
)
// RFC 4462 §3.8
export const UserauthGssapiError = message(
  { name: 'SSH_MSG_USERAUTH_GSSAPI_ERROR', number: 64, phase: 'auth', from: 'server' },
  { majorStatus: uint32, minorStatus: uint32, message: prose, languageTag: prose },
)
// RFC 4462 §3.9
export const UserauthGssapiErrtok = message(
  { name: 'SSH_MSG_USERAUTH_GSSAPI_ERRTOK', number: 65, phase: 'auth', from: 'either' },
  { token: bytes },
)
// RFC 4462 §3.5
export const UserauthGssapiMic = message({ name: 'SSH_MSG_USERAUTH_GSSAPI_MIC', number: 66, phase: 'auth', from: 'client' }, { mic: bytes })

export const authMessages: readonly Message[] = [UserauthRequest, UserauthFailure, UserauthSuccess, UserauthBanner]

// Owns the messages of the transport layer (RFC 4253, RFC 8308, OpenSSH's PROTOCOL). Key exchange methods declare
// their own (30 to 49) beside themselves. Knows nothing of when they are sent.
import { boolean, bytes, fixed, name, nameList, prose, rest, trailing, uint32 } from '../wire/codec.ts'
import { type Message, message } from '../wire/message.ts'

// RFC 4253 §11.1
export const Disconnect = message(
  { name: 'SSH_MSG_DISCONNECT', number: 1, phase: 'any', from: 'either' },
  { reasonCode: uint32, description: prose, languageTag: trailing(prose) },
)
// RFC 4253 §11.2
export const Ignore = message({ name: 'SSH_MSG_IGNORE', number: 2, phase: 'any', from: 'either' }, { data: rest })
// RFC 4253 §11.4
export const Unimplemented = message(
  { name: 'SSH_MSG_UNIMPLEMENTED', number: 3, phase: 'any', from: 'either' },
  { packetSequenceNumber: uint32 },
)
// RFC 4253 §11.3
export const Debug = message(
  { name: 'SSH_MSG_DEBUG', number: 4, phase: 'any', from: 'either' },
  { alwaysDisplay: boolean, message: prose, languageTag: trailing(prose) },
)
// RFC 4253 §10
export const ServiceRequest = message(
  { name: 'SSH_MSG_SERVICE_REQUEST', number: 5, phase: 'service', from: 'client' },
  { serviceName: name },
)
export const ServiceAccept = message({ name: 'SSH_MSG_SERVICE_ACCEPT', number: 6, phase: 'service', from: 'server' }, { serviceName: name })
// RFC 8308 §2.3; the pairs are read by `extension-info.ts`, which bounds their number.
export const ExtInfo = message({ name: 'SSH_MSG_EXT_INFO', number: 7, phase: 'established', from: 'either' }, { extensions: rest })
// RFC 4253 §7.1
export const KexInit = message(
  { name: 'SSH_MSG_KEXINIT', number: 20, phase: 'kex', from: 'either' },
  {
    cookie: fixed(16),
    kexAlgorithms: nameList,
    serverHostKeyAlgorithms: nameList,
    encryptionAlgorithmsClientToServer: nameList,
    encryptionAlgorithmsServerToClient: nameList,
    macAlgorithmsClientToServer: nameList,
    macAlgorithmsServerToClient: nameList,
    compressionAlgorithmsClientToServer: nameList,
    compressionAlgorithmsServerToClient: nameList,
    languagesClientToServer: nameList,
    languagesServerToClient: nameList,
    firstKexPacketFollows: boolean,
    reserved: uint32,
  },
)
// RFC 4253 §7.3
export const NewKeys = message({ name: 'SSH_MSG_NEWKEYS', number: 21, phase: 'kex', from: 'either' }, {})
// OpenSSH PROTOCOL §1.8 (ping@openssh.com)
export const Ping = message({ name: 'SSH2_MSG_PING', number: 192, phase: 'established', from: 'either' }, { data: bytes })
export const Pong = message({ name: 'SSH2_MSG_PONG', number: 193, phase: 'established', from: 'either' }, { data: bytes })

export const transportMessages: readonly Message[] = [
  Disconnect,
  Ignore,
  Unimplemented,
  Debug,
  ServiceRequest,
  ServiceAccept,
  ExtInfo,
  KexInit,
  NewKeys,
  Ping,
  Pong,
]

// Owns messages that are right at some point of a conversation: what a search changes and mixes. A search that begins with
// messages it made up hardly ever gets past the first question.
import { bytes, boolean, type Codec, encode, struct, text, uint32 } from '../../packages/nacre/src/wire/codec.ts'
import { encodeMessage } from '../../packages/nacre/src/wire/message.ts'
import {
  UserauthBanner,
  UserauthFailure,
  UserauthInfoRequest,
  UserauthInfoResponse,
  UserauthPasswdChangereq,
  UserauthPkOk,
  UserauthRequest,
  UserauthSuccess,
} from '../../packages/nacre/src/auth/messages.ts'
import {
  ChannelClose,
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
  RequestFailure,
  RequestSuccess,
} from '../../packages/nacre/src/connection/messages.ts'
import { globalRequests } from '../../packages/nacre/src/connection/global-requests/table.ts'
import { channelRequests } from '../../packages/nacre/src/connection/requests/table.ts'
import { channelTypes } from '../../packages/nacre/src/connection/channel-types/table.ts'
import { KexDhGexRequest, KexEcdhInit, KexEcdhReply } from '../../packages/nacre/src/algorithms/kex/messages.ts'
import { seededRandom } from '../../packages/nacre/src/testing/random.ts'
import { ExtInfo, NewKeys, Ping, ServiceAccept, ServiceRequest } from '../../packages/nacre/src/transport/messages.ts'
import { writeExtensionInfo } from '../../packages/nacre/src/transport/extension-info.ts'
import { invented } from './shape.ts'
import { keyBlobs } from './vectors.ts'

type Role = 'client' | 'server'
const nothing = new Uint8Array(0)
const [key] = keyBlobs()
const signature = encode(struct({ name: text, raw: bytes }), { name: 'ssh-ed25519', raw: new Uint8Array(64) })

/** Details of every row of a table, as the row declares them. */
const detailsOf = (rows: readonly { readonly name: string; readonly codec: unknown }[]): readonly (readonly [string, Uint8Array])[] =>
  rows.map(row => [row.name, invented(row.codec as Codec<unknown>, seededRandom(1), ['x', '80x24'])])

const request = (methodName: string, details: Uint8Array): Uint8Array =>
  encodeMessage(UserauthRequest, { userName: 'ada', serviceName: 'ssh-connection', methodName, details })
const password = struct({ change: boolean, password: text })
const change = struct({ change: boolean, password: text, other: text })
const query = struct({ proof: boolean, algorithm: text, key: bytes })
const proof = struct({ proof: boolean, algorithm: text, key: bytes, signature: bytes })
const hints = struct({ language: text, submethods: text })

const clientLogin: readonly Uint8Array[] = [
  encodeMessage(ServiceRequest, { serviceName: 'ssh-userauth' }),
  request('none', nothing),
  request('password', encode(password, { change: false, password: 'secret' })),
  request('password', encode(password, { change: false, password: 'change' })),
  request('password', encode(change, { change: true, password: 'change', other: 'new' })),
  request('publickey', encode(query, { proof: false, algorithm: 'ssh-ed25519', key })),
  request('publickey', encode(proof, { proof: true, algorithm: 'ssh-ed25519', key, signature })),
  request('keyboard-interactive', encode(hints, { language: '', submethods: 'a,b' })),
  encodeMessage(UserauthInfoResponse, { responses: ['a', 'b'] }),
  encodeMessage(UserauthInfoResponse, { responses: [] }),
]
const serverLogin: readonly Uint8Array[] = [
  encodeMessage(ServiceAccept, { serviceName: 'ssh-userauth' }),
  encodeMessage(ExtInfo, { extensions: writeExtensionInfo({ 'server-sig-algs': 'ssh-ed25519', 'ping@openssh.com': '0' }) }),
  encodeMessage(UserauthFailure, { canContinue: ['publickey', 'password', 'keyboard-interactive'], partialSuccess: false }),
  encodeMessage(UserauthFailure, { canContinue: ['password'], partialSuccess: true }),
  encodeMessage(UserauthPkOk, { algorithmName: 'ssh-ed25519', publicKey: key }),
  encodeMessage(UserauthPasswdChangereq, { prompt: 'New?', languageTag: '' }),
  encodeMessage(UserauthInfoRequest, {
    name: 'n',
    instruction: 'i',
    languageTag: '',
    prompts: [
      { prompt: 'a', echo: true },
      { prompt: 'b', echo: false },
    ],
  }),
  encodeMessage(UserauthInfoRequest, { name: '', instruction: '', languageTag: '', prompts: [] }),
  encodeMessage(UserauthBanner, { message: 'hello', languageTag: '' }),
  encodeMessage(UserauthSuccess, {}),
]

const channels: readonly Uint8Array[] = [
  ...[0, 1].flatMap(recipientChannel => [
    encodeMessage(ChannelData, { recipientChannel, data: new Uint8Array(5) }),
    encodeMessage(ChannelData, { recipientChannel, data: new Uint8Array(200) }),
    encodeMessage(ChannelExtendedData, { recipientChannel, dataTypeCode: 1, data: new Uint8Array(90) }),
    encodeMessage(ChannelWindowAdjust, { recipientChannel, bytesToAdd: 1000 }),
    encodeMessage(ChannelEof, { recipientChannel }),
    encodeMessage(ChannelClose, { recipientChannel }),
    encodeMessage(ChannelSuccess, { recipientChannel }),
    encodeMessage(ChannelFailure, { recipientChannel }),
  ]),
  ...detailsOf(channelRequests).map(([requestType, details], index) =>
    encodeMessage(ChannelRequest, { recipientChannel: 0, requestType, wantReply: index % 2 === 0, details }),
  ),
  ...detailsOf(globalRequests).map(([requestName, details], index) =>
    encodeMessage(GlobalRequest, { requestName, wantReply: index % 2 === 0, details }),
  ),
  ...detailsOf(channelTypes).map(([channelType, details], senderChannel) =>
    encodeMessage(ChannelOpen, { channelType, senderChannel, initialWindowSize: 1000, maximumPacketSize: 500, details }),
  ),
  encodeMessage(ChannelOpenConfirmation, {
    recipientChannel: 0,
    senderChannel: 5,
    initialWindowSize: 1000,
    maximumPacketSize: 500,
    details: nothing,
  }),
  encodeMessage(ChannelOpenFailure, { recipientChannel: 0, reasonCode: 2, description: 'no', languageTag: '' }),
  encodeMessage(RequestSuccess, { details: encode(uint32, 8080) }),
  encodeMessage(RequestFailure, {}),
  encodeMessage(Ping, { data: new Uint8Array(3) }),
]

const exchange = (role: Role): readonly Uint8Array[] => [
  ...(role === 'server'
    ? [
        encodeMessage(KexEcdhInit, { clientPublic: new Uint8Array(32).fill(7) }),
        encodeMessage(KexEcdhInit, { clientPublic: new Uint8Array(1184 + 32).fill(7) }),
        encodeMessage(KexDhGexRequest, { min: 2048, n: 3072, max: 8192 }),
      ]
    : [
        encodeMessage(KexEcdhReply, { hostKey: key, serverPublic: new Uint8Array(32).fill(7), signature }),
        encodeMessage(KexEcdhReply, { hostKey: key, serverPublic: new Uint8Array(1088 + 32).fill(7), signature }),
      ]),
  encodeMessage(NewKeys, {}),
]

/** What the peer of an engine in `role` may say in that part of a conversation. */
export const rightMessages = (role: Role, part: 'exchange' | 'login' | 'channels'): readonly Uint8Array[] =>
  part === 'exchange' ? exchange(role) : part === 'channels' ? channels : role === 'server' ? clientLogin : serverLogin

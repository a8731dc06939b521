// Owns the messages of the connection protocol (RFC 4254). What stands in the `details` of opens and requests is
// declared by the row of their type under `requests/` and `channel-types/`.
import { boolean, bytes, identifier, prose, rest, uint32 } from '../wire/codec.ts'
import { type Message, message } from '../wire/message.ts'

const columns = { phase: 'connection', from: 'either' } as const

// RFC 4254 §4
export const GlobalRequest = message(
  { name: 'SSH_MSG_GLOBAL_REQUEST', number: 80, ...columns },
  { requestName: identifier, wantReply: boolean, details: rest },
)
export const RequestSuccess = message({ name: 'SSH_MSG_REQUEST_SUCCESS', number: 81, ...columns }, { details: rest })
export const RequestFailure = message({ name: 'SSH_MSG_REQUEST_FAILURE', number: 82, ...columns }, {})
// RFC 4254 §5.1
export const ChannelOpen = message(
  { name: 'SSH_MSG_CHANNEL_OPEN', number: 90, ...columns },
  { channelType: identifier, senderChannel: uint32, initialWindowSize: uint32, maximumPacketSize: uint32, details: rest },
)
export const ChannelOpenConfirmation = message(
  { name: 'SSH_MSG_CHANNEL_OPEN_CONFIRMATION', number: 91, ...columns },
  { recipientChannel: uint32, senderChannel: uint32, initialWindowSize: uint32, maximumPacketSize: uint32, details: rest },
)
export const ChannelOpenFailure = message(
  { name: 'SSH_MSG_CHANNEL_OPEN_FAILURE', number: 92, ...columns },
  { recipientChannel: uint32, reasonCode: uint32, description: prose, languageTag: prose },
)
// RFC 4254 §5.2
export const ChannelWindowAdjust = message(
  { name: 'SSH_MSG_CHANNEL_WINDOW_ADJUST', number: 93, ...columns },
  { recipientChannel: uint32, bytesToAdd: uint32 },
)
export const ChannelData = message(
  { name: 'SSH_MSG_CHANNEL_DATA', number: 94, ...columns, secret: ['data'] },
  { recipientChannel: uint32, data: bytes },
)
export const ChannelExtendedData = message(
  { name: 'SSH_MSG_CHANNEL_EXTENDED_DATA', number: 95, ...columns, secret: ['data'] },
  { recipientChannel: uint32, dataTypeCode: uint32, data: bytes },
)
// RFC 4254 §5.3
export const ChannelEof = message({ name: 'SSH_MSG_CHANNEL_EOF', number: 96, ...columns }, { recipientChannel: uint32 })
export const ChannelClose = message({ name: 'SSH_MSG_CHANNEL_CLOSE', number: 97, ...columns }, { recipientChannel: uint32 })
// RFC 4254 §5.4
export const ChannelRequest = message(
  { name: 'SSH_MSG_CHANNEL_REQUEST', number: 98, ...columns },
  { recipientChannel: uint32, requestType: identifier, wantReply: boolean, details: rest },
)
export const ChannelSuccess = message({ name: 'SSH_MSG_CHANNEL_SUCCESS', number: 99, ...columns }, { recipientChannel: uint32 })
export const ChannelFailure = message({ name: 'SSH_MSG_CHANNEL_FAILURE', number: 100, ...columns }, { recipientChannel: uint32 })

export const connectionMessages: readonly Message[] = [
  GlobalRequest,
  RequestSuccess,
  RequestFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelWindowAdjust,
  ChannelData,
  ChannelExtendedData,
  ChannelEof,
  ChannelClose,
  ChannelRequest,
  ChannelSuccess,
  ChannelFailure,
]

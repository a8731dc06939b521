// Owns the channel a server opens for a connection to a forwarded TCP port (RFC 4254 §7.2).
import { struct, text, uint32 } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const forwardedTcpip = {
  name: 'forwarded-tcpip',
  from: 'server',
  codec: struct({ connectedAddress: text, connectedPort: uint32, originatorAddress: text, originatorPort: uint32 }),
} as const satisfies ChannelTypeRow

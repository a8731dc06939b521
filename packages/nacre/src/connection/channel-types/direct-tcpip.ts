// Owns the channel a client opens to reach a TCP port from the server (RFC 4254 §7.2).
import { struct, text, uint32 } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const directTcpip = {
  name: 'direct-tcpip',
  from: 'client',
  codec: struct({ hostToConnect: text, portToConnect: uint32, originatorAddress: text, originatorPort: uint32 }),
} as const satisfies ChannelTypeRow

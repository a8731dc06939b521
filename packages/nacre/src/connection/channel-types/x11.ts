// Owns the channel a server opens for an X11 client (RFC 4254 §6.3.2).
import { struct, text, uint32 } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const x11 = {
  name: 'x11',
  from: 'server',
  codec: struct({ originatorAddress: text, originatorPort: uint32 }),
} as const satisfies ChannelTypeRow

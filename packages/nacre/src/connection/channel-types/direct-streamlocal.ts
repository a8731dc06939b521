// Owns the channel a client opens to reach a Unix socket of the server (OpenSSH's PROTOCOL, 2.4).
import { prose, struct, text, uint32 } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const directStreamlocal = {
  name: 'direct-streamlocal@openssh.com',
  from: 'client',
  codec: struct({ socketPath: text, reservedText: prose, reservedNumber: uint32 }),
} as const satisfies ChannelTypeRow

// Owns the channel a server opens for a connection to a forwarded Unix socket (OpenSSH's PROTOCOL, 2.4).
import { prose, struct, text } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const forwardedStreamlocal = {
  name: 'forwarded-streamlocal@openssh.com',
  from: 'server',
  codec: struct({ socketPath: text, reservedText: prose }),
} as const satisfies ChannelTypeRow

// Owns the channel a server opens to reach the client's agent (OpenSSH's name for RFC 9987's agent-connect).
import { struct } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const authAgent = {
  name: 'auth-agent@openssh.com',
  from: 'server',
  codec: struct({}),
} as const satisfies ChannelTypeRow

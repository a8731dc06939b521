// Owns the session channel (RFC 4254 §6.1). A server never opens one.
import { struct } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const session = {
  name: 'session',
  from: 'client',
  codec: struct({}),
} as const satisfies ChannelTypeRow

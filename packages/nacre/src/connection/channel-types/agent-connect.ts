// Owns the channel a server opens to reach the client's agent, by the name RFC 9987 gives it: for clients that asked by agent-req.
import { struct } from '../../wire/codec.ts'
import type { ChannelTypeRow } from './row.ts'

export const agentConnect = {
  name: 'agent-connect',
  from: 'server',
  codec: struct({}),
} as const satisfies ChannelTypeRow

// Owns the request to forward the client's agent, by the name RFC 9987 gives it; for servers that announce agent-forward.
import { struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const agentReq = {
  name: 'agent-req',
  from: 'client',
  codec: struct({}),
} as const satisfies RequestRow

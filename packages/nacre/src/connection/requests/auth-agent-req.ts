// Owns the request to forward the client's agent (OpenSSH's name for RFC 9987's agent-req).
import { struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const authAgentReq = {
  name: 'auth-agent-req@openssh.com',
  from: 'client',
  codec: struct({}),
} as const satisfies RequestRow

// Owns the request for a break on a serial line (RFC 4335 §3). Milliseconds; 0 leaves the length to the server.
import { struct, uint32 } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const breakRequest = {
  name: 'break',
  from: 'client',
  codec: struct({ breakLength: uint32 }),
} as const satisfies RequestRow

// Owns the request for a login shell (RFC 4254 §6.5).
import { struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const shell = {
  name: 'shell',
  from: 'client',
  codec: struct({}),
} as const satisfies RequestRow

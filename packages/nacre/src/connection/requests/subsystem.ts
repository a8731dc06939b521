// Owns the request for a subsystem (RFC 4254 §6.5).
import { struct, text } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const subsystem = {
  name: 'subsystem',
  from: 'client',
  codec: struct({ subsystemName: text }),
} as const satisfies RequestRow

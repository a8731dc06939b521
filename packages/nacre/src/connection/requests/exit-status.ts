// Owns the notice of a command's exit status (RFC 4254 §6.10).
import { struct, uint32 } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const exitStatus = {
  name: 'exit-status',
  from: 'server',
  codec: struct({ exitStatus: uint32 }),
} as const satisfies RequestRow

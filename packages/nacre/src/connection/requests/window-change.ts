// Owns the notice that a terminal changed its size (RFC 4254 §6.7): characters, then pixels.
import { struct, uint32 } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const windowChange = {
  name: 'window-change',
  from: 'client',
  codec: struct({ columns: uint32, rows: uint32, widthPixels: uint32, heightPixels: uint32 }),
} as const satisfies RequestRow

// Owns the notice whether the client may do flow control by itself (RFC 4254 §6.8).
import { boolean, struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const xonXoff = {
  name: 'xon-xoff',
  from: 'server',
  codec: struct({ clientCanDo: boolean }),
} as const satisfies RequestRow

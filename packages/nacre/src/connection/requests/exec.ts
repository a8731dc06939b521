// Owns the request to run a command (RFC 4254 §6.5). Who runs it decides what interprets it.
import { struct, text } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const exec = {
  name: 'exec',
  from: 'client',
  codec: struct({ command: text }),
} as const satisfies RequestRow

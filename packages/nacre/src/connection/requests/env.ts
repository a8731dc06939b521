// Owns the request to set an environment variable (RFC 4254 §6.4). Which names are taken is for the server to say.
import { struct, text } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const env = {
  name: 'env',
  from: 'client',
  codec: struct({ name: text, value: text }),
} as const satisfies RequestRow

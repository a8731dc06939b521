// Owns OpenSSH's keepalive on a channel: any answer is a sign of life.
import { struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const keepalive = {
  name: 'keepalive@openssh.com',
  codec: struct({}),
} as const satisfies RequestRow

// Owns the notice that its sender reads no more data (OpenSSH's PROTOCOL, 2.1).
import { struct } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const eow = {
  name: 'eow@openssh.com',
  codec: struct({}),
} as const satisfies RequestRow

// Owns OpenSSH's keepalive: any answer, mostly a refusal, is a sign of life.
import { struct } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const keepalive = {
  name: 'keepalive@openssh.com',
  codec: struct({}),
} as const satisfies GlobalRequestRow

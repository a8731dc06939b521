// Owns a client's promise to open no more sessions (OpenSSH's PROTOCOL, 2.2).
import { struct } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const noMoreSessions = {
  name: 'no-more-sessions@openssh.com',
  from: 'client',
  codec: struct({}),
} as const satisfies GlobalRequestRow

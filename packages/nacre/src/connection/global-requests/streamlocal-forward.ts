// Owns the request to listen on a Unix socket of the server (OpenSSH's PROTOCOL, 2.4).
import { struct, text } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const streamlocalForward = {
  name: 'streamlocal-forward@openssh.com',
  from: 'client',
  codec: struct({ socketPath: text }),
} as const satisfies GlobalRequestRow

// Owns the request to listen no more on a Unix socket (OpenSSH's PROTOCOL, 2.4).
import { struct, text } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const cancelStreamlocalForward = {
  name: 'cancel-streamlocal-forward@openssh.com',
  from: 'client',
  codec: struct({ socketPath: text }),
} as const satisfies GlobalRequestRow

// Owns a server's notice of all its host keys, and a client's question for proof of those it did not know (OpenSSH's
// PROTOCOL, 2.5; draft-miller-sshm-hostkey-update). Keys and signatures are blobs here; who checks them is elsewhere.
import { bytes, repeated, struct } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

/** Nobody has more host keys; a longer list is refused. */
const maximumKeys = 256

export const hostkeys = {
  name: 'hostkeys-00@openssh.com',
  from: 'server',
  codec: struct({ hostKeys: repeated(bytes, maximumKeys) }),
} as const satisfies GlobalRequestRow

/** The reply has one signature for each key, in the same order. */
export const hostkeysProve = {
  name: 'hostkeys-prove-00@openssh.com',
  from: 'client',
  codec: struct({ hostKeys: repeated(bytes, maximumKeys) }),
  reply: struct({ signatures: repeated(bytes, maximumKeys) }),
} as const satisfies GlobalRequestRow

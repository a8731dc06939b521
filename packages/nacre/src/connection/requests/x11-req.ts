// Owns the request to forward X11 (RFC 4254 §6.3.1). The cookie is hexadecimal, and not the real one.
import { boolean, struct, text, uint32 } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const x11Req = {
  name: 'x11-req',
  from: 'client',
  codec: struct({ singleConnection: boolean, authenticationProtocol: text, authenticationCookie: text, screenNumber: uint32 }),
} as const satisfies RequestRow

// Owns the request to listen on a TCP port of the server (RFC 4254 §7.1). The reply names the port only when 0 was asked for.
import { struct, text, trailing, uint32 } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const tcpipForward = {
  name: 'tcpip-forward',
  from: 'client',
  codec: struct({ addressToBind: text, portNumberToBind: uint32 }),
  reply: struct({ allocatedPort: trailing(uint32) }),
} as const satisfies GlobalRequestRow

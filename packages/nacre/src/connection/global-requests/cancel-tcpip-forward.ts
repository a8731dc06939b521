// Owns the request to listen no more on a TCP port (RFC 4254 §7.1).
import { struct, text, uint32 } from '../../wire/codec.ts'
import type { GlobalRequestRow } from './row.ts'

export const cancelTcpipForward = {
  name: 'cancel-tcpip-forward',
  from: 'client',
  codec: struct({ addressToBind: text, portNumberToBind: uint32 }),
} as const satisfies GlobalRequestRow

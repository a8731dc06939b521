// Owns the request for a terminal (RFC 4254 §6.2). Sizes are characters, then pixels; 0 pixels means not known.
import { struct, text, uint32 } from '../../wire/codec.ts'
import { terminalModes } from '../terminal-modes.ts'
import type { RequestRow } from './row.ts'

export const ptyReq = {
  name: 'pty-req',
  from: 'client',
  codec: struct({ term: text, columns: uint32, rows: uint32, widthPixels: uint32, heightPixels: uint32, modes: terminalModes }),
} as const satisfies RequestRow

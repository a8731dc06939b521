// Owns limits@openssh.com: how large packets, reads and writes may be, and how many handles there may be.
import { struct } from '../../wire/codec.ts'
import { count } from '../versions/numbers.ts'
import { asBytes, type ExtensionRow } from './row.ts'

/** In bytes, but for `handles`; 0 where the server says no limit. */
export interface SftpLimitsAnswer {
  readonly packet: number
  readonly read: number
  readonly write: number
  readonly handles: number
}

export const limits: ExtensionRow<'limits@openssh.com', Record<never, never>, SftpLimitsAnswer> = {
  name: 'limits@openssh.com',
  about: 'ask for the largest packet, read and write, and for the number of handles',
  announced: () => asBytes('1'),
  request: struct({}),
  answer: { as: 'fields', fields: struct({ packet: count, read: count, write: count, handles: count }) },
  changes: false,
  serve: ({ limits: { packet, read, write, handles } }) => ({ packet, read, write, handles }),
}

// Owns the notice that a signal ended a command (RFC 4254 §6.10). `signalName` is without SIG.
import { boolean, prose, struct, text } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

export const exitSignal = {
  name: 'exit-signal',
  from: 'server',
  codec: struct({ signalName: text, coreDumped: boolean, errorMessage: prose, languageTag: prose }),
} as const satisfies RequestRow

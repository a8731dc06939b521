// Owns the request to deliver a signal (RFC 4254 §6.9). Which signals are delivered is for the server to say.
import { struct, text } from '../../wire/codec.ts'
import type { RequestRow } from './row.ts'

/** Signal names, without SIG (RFC 4254 §6.10), and OpenSSH's SIGINFO. Others may come, as `name@domain`. */
export const signalNames = [
  'ABRT',
  'ALRM',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'PIPE',
  'QUIT',
  'SEGV',
  'TERM',
  'USR1',
  'USR2',
  'INFO@openssh.com',
] as const

export const signal = {
  name: 'signal',
  from: 'client',
  codec: struct({ signalName: text }),
} as const satisfies RequestRow

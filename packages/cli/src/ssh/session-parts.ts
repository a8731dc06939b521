// Owns what a session of `ssh` is made of: what it is given, and what it holds while it lasts. Knows nothing of what is done with them.
import type { ClientConnection } from 'nacre'
import type { Environment } from '../environment.ts'
import type { TakenTerminal } from '../terminal.ts'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'
import type { RelayedInput } from './relay.ts'
import type { TypedForwards } from './typed-command.ts'

export interface SessionParts {
  readonly connection: ClientConnection
  /** The command line, or the name of the subsystem; empty for a shell. */
  readonly command: string
  readonly settings: SshConfig
  readonly environment: Environment
  readonly log: Log
  readonly signal: AbortSignal
  /** What is forwarded, for `~#`, `~C` and `~&`. */
  readonly forwards?: TypedForwards | undefined
}

/** What a session takes hold of when it is joined to our streams. */
export interface Held {
  input?: RelayedInput
  taken?: TakenTerminal
}

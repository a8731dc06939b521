// Owns the words between the files that share connections for `ssh`. Knows nothing of what is done.
import type { ClientConnection } from 'nacre'
import type { Environment } from '../environment.ts'
import type { Forwards } from './forwards.ts'
import type { Log } from './log.ts'
import type { SshCommand, SshConfig } from './options.ts'

export interface MuxParts {
  readonly command: SshCommand
  readonly settings: SshConfig
  readonly environment: Environment
  readonly log: Log
}

/** What sharing makes of a call of `ssh`. */
export type Sharing =
  /** All is done; the exit code. */
  | { readonly is: 'done'; readonly code: number }
  /** A connection that is there is used; its forwards are the master's. */
  | { readonly is: 'shared'; readonly connection: ClientConnection }
  /** We connect ourselves, and may share that. */
  | { readonly is: 'own'; share(connection: ClientConnection, forwards: Forwards | undefined): Promise<void> }
  /** The same, in a process of `background.ts` that does nothing else: it stays when all stands. */
  | { readonly is: 'master'; share(connection: ClientConnection, forwards: Forwards | undefined): Promise<void> }

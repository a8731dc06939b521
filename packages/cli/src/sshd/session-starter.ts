// Owns the shape of what starts the programs of sessions: plain facts go in that could be sent to another process, streams come out that
// it could hand back. Knows nothing of how a program becomes the account's, nor of SSH.
import type { Socket } from 'node:net'
import type { Exit } from 'nacre'
import type { Pty } from 'nacre/server'
import type { Account } from './account.ts'
import type { Named } from './file-services.ts'

/** A program to be started for a session, as its account. */
export interface Start {
  readonly account: Account
  readonly command: Named
  /** The whole environment, but for what a terminal brings. */
  readonly env: Readonly<Record<string, string>>
  /** Words of a shell that run before it; empty for none. */
  readonly before: string
}

/** A terminal as the client asked for it; 0 columns or rows are left to whoever starts. */
export interface TerminalStart {
  readonly term: string
  readonly columns: number
  readonly rows: number
  /** By their names in RFC 4254 §8. */
  readonly modes: Readonly<Record<string, number | undefined>>
}

/** A program that runs, or has just ended, on three pipes. The streams are its starter's caller's to close. */
export interface Piped {
  readonly stdin: Socket
  readonly stdout: Socket
  readonly stderr: Socket
  readonly exited: Promise<Exit>
}

/** A program that can be sent signals: the whole group of it, by names without SIG. Nothing happens when it is gone. */
export interface Signalled {
  signal(name: string): void
}

export interface SessionStarter {
  /** Rejects with an `SshError` in words for the person when nothing was started. */
  onPipes(start: Start): Promise<Piped & Signalled>
  /** The same on a terminal of its own. */
  onTerminal(start: Start, terminal: TerminalStart): Promise<Pty & Signalled>
}

// Owns the shape of a pseudo-terminal as a server sees it. Knows nothing of how one is opened: that needs native code,
// which lives with whoever wants it.
import type { Exit } from '../errors.ts'

export interface PtyOptions {
  /** Size in characters; at least 1 each. */
  readonly columns: number
  readonly rows: number
  /** `TERM`. */
  readonly term: string
  /** The whole environment of the process, `TERM` excepted. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Owner of the terminal and of the process, when it is not to be ours. Supplementary groups are dropped, not taken on. */
  readonly uid?: number
  readonly gid?: number
  /** Owner of the terminal alone, for a command that changes its user by itself. */
  readonly terminalOwner?: number
  /** What the process is told its own name is: `-bash` for a login shell. */
  readonly argv0?: string
  /** Terminal modes by their names in RFC 4254 §8: `{ ECHO: 0, VINTR: 3 }`. Unknown ones are passed over. */
  readonly modes?: Readonly<Record<string, number | undefined>>
}

/** A process on a terminal of its own. */
export interface Pty {
  readonly pid: number
  /** The terminal's device, e.g. `/dev/pts/3`. */
  readonly device: string
  /** Output, as raw bytes that belong to the receiver. Nothing is read before there is a handler; one handler only. */
  onData(handler: (bytes: Uint8Array) => void): void
  /** Resolves when the terminal has taken the bytes, which must not change until then; also when it is gone. */
  write(bytes: Uint8Array): Promise<void>
  resize(columns: number, rows: number): void
  /** Sends a signal to the foreground process group's leader; name without SIG. */
  kill(signal: string): void
  /** Stops reading output; the process blocks once the terminal is full. */
  pause(): void
  resume(): void
  /** How the process ended, after its last byte went to the handler. */
  readonly exited: Promise<Exit>
  /** Hangs up: the process gets SIGHUP and no more output comes. Safe to repeat. */
  close(): void
}

/** Starts `command` on a new terminal. Throws when that fails. */
export type OpenPty = (command: string, args: readonly string[], options: PtyOptions) => Pty

// Owns what a caller can choose about a transfer and what he is told. Knows nothing of how it is done.

export interface TransferProgress {
  /** The file that last moved on, as the caller would name it. */
  readonly file: string
  /** Bytes transferred, those of an earlier try included. Never falls. */
  readonly done: number
  /** Bytes in all, as far as known; of a tree it grows while the tree is looked through. */
  readonly total: number | undefined
  /** Bytes a second over the last few seconds. */
  readonly rate: number
  /** `undefined` while the total or the rate is unknown. */
  readonly remainingSeconds: number | undefined
  /** Files that are complete, and known so far. */
  readonly files: { readonly done: number; readonly total: number }
}

/**
 * What to do about a source that changes size while it is read. `snapshot`: its size at the start is what is transferred; it
 * is an error when it becomes shorter. `follow`: what there is until its end when that is reached, shorter or longer.
 * `reject`: any change of size, or of its time of modification, is an error.
 */
export type Growing = 'snapshot' | 'follow' | 'reject'

export interface TransferOptions {
  readonly signal?: AbortSignal
  /** Called about ten times a second, and at the end. What it throws fails the file it is called for. */
  readonly onProgress?: (progress: TransferProgress) => void
  /** Default `snapshot`. */
  readonly growing?: Growing
  /**
   * Go on where an earlier try with `resume` stopped. `true`: after a look whether what is there is the beginning of the
   * source: by hash where the server can, else by the last 64 KiB. `verify`: only when a hash says so, else from the start.
   * A try that fails with `resume` leaves what it got under its temporary name; without, nothing. Default false. An upload to a
   * server without hashes goes back by `inFlight` bytes: use no larger value than the try before.
   */
  readonly resume?: boolean | 'verify'
  /**
   * Write to a temporary name in the same folder, and rename when all is there. Default true. Without, what is at the final
   * name is written over in place, and a failure leaves it half-written.
   */
  readonly atomic?: boolean
  /**
   * How a file at the final name gives way on a server that cannot replace in one step: not at all (`refuse`, the default), or
   * by removing it first (`remove`), after which for a moment there is none.
   */
  readonly replace?: 'refuse' | 'remove'
  /** Whether an existing file is replaced at all. Default true. */
  readonly overwrite?: boolean
  /**
   * Look whether both ends are equal afterwards: `true` by hash where the server can, else by reading it back. The size is
   * always looked at. Default false.
   */
  readonly verify?: boolean
  /** Write to the disk before the transfer counts as done. Default false. */
  readonly sync?: boolean
  /** Leave out runs of zeros, so that the copy takes up less disk. Default false. */
  readonly sparse?: boolean | 'auto'
  /** Keep permissions and times. Default false: those of a new file. */
  readonly preserve?: boolean
  /**
   * Permissions of a new file, before the umask; `source`: those of the source, without what makes it run as another user.
   * Default those of the source when kept, else 0o666.
   */
  readonly mode?: number | 'source'
  /** Bytes a second, at most. Default no limit. */
  readonly limit?: number
  /** Bytes in flight, at most; memory is bounded by about twice that. Default 16 MiB. */
  readonly inFlight?: number
  /** Requests in flight, at most. Default 256. */
  readonly requests?: number
  /** Bytes of one request, at most. Default as much as the server takes, 32 KiB when it does not say. */
  readonly requestSize?: number
  /**
   * SFTP channels to use, 1 to 8. Default one, and up to seven more for a large upload over a long way to a server that does not
   * make its windows wider, as OpenSSH's does not.
   */
  readonly channels?: number
  /** Milliseconds without any answer after which the server counts as dead. Default 60,000; 0 for never. */
  readonly stallTimeout?: number
}

export interface TreeOptions extends TransferOptions {
  /** Directories with all that is in them. Default false. */
  readonly recursive?: boolean
  /**
   * Symbolic links in a tree. `skip`: left out, with a note. `copy`: links to the same text are made. `follow`: what they point
   * to is transferred. Default `skip`.
   */
  readonly symlinks?: 'skip' | 'copy' | 'follow'
  /** Files under way at once. Default 64, fewer where the server allows fewer handles. */
  readonly concurrency?: number
  /** What an error with one file means for the others. Default `continue`: all is tried, and the errors come at the end. */
  readonly onError?: 'continue' | 'stop'
  /** Says which entries to take, by their path below the source with `/` between. Directories left out are not looked into. */
  readonly filter?: (path: string, type: 'file' | 'directory' | 'symlink') => boolean
}

/** Something that was left out on purpose. */
export interface TransferNote {
  readonly path: string
  readonly why: 'symlink' | 'special' | 'filtered'
}

export interface TransferResult {
  readonly files: number
  readonly directories: number
  /** Bytes of the files, whether moved now or by an earlier try. */
  readonly bytes: number
  /** Bytes that an earlier try had left. */
  readonly resumed: number
  /** What was left out; at most the first thousand. */
  readonly notes: readonly TransferNote[]
  /** How the ends were compared, when that was asked for. */
  readonly verified: 'hash' | 'content' | undefined
}

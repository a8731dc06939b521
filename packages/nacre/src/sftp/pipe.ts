// Owns what SFTP and scp run over: bytes both ways with back-pressure. A session's channel is one, so are the standard
// streams of a process, and two ends in memory. Knows nothing of what the bytes mean.

export interface PipeTap {
  /**
   * Takes bytes, which are valid until it returns unless `detached`. Returns a promise to hold the other side back until it
   * settles.
   */
  data(bytes: Uint8Array, detached: boolean): void | Promise<void>
  /**
   * The other side sends no more, because of `error` when it was cut off. Called once; a second time, with an error, when a side
   * that has ended its output goes altogether, if the pipe can tell.
   */
  end(error?: Error): void
}

export interface BytePipe {
  /**
   * Sends `bytes`. Returns `undefined` when they were taken at once, else a promise for when they will have been; they must
   * not change until then. Rejects when the other side is gone.
   */
  write(bytes: Uint8Array): Promise<void> | undefined
  /** Sets who takes what comes; once. What came before is handed over at once. */
  tap(tap: PipeTap): void
  /**
   * Lets the other side have up to `size` bytes under way to us, where the pipe has a window: for whoever expects as much over a
   * long way and takes it as it comes.
   */
  widen?(size: number): void
  /** Nothing more from us; what was written before still goes. */
  end(): void
  /** Ends both directions without waiting. */
  abort(): void
}

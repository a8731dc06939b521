// Owns that something is over, once and for good, with an AbortSignal for whoever asks for one. Most never do, and a signal
// that nobody hears costs more than many a whole channel. Knows nothing of what ends.

export class Ending {
  #over = false
  #reason: unknown
  #controller: AbortController | undefined

  get over(): boolean {
    return this.#over
  }

  /** Aborts when it is over. The same one every time. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#over) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** It is over; `reason` is what the signal aborts with. Does nothing the second time. */
  end(reason?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

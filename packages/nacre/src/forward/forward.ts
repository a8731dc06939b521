// Owns a forward as who asked for it sees it: where it listens, whether it still does, what went through it, and its end. Knows
// nothing of who listens and who connects.
import type { Place } from './sockets.ts'
import type { ForwardCounts, Traffic } from './traffic.ts'

/** What stands behind a forward. */
export interface ForwardParts {
  readonly address: Place
  readonly traffic: Traffic
  /** Listens no more. Called once; must not reject. */
  readonly stop: () => Promise<void>
}

/** Something that listens and carries on what connects. Disposing of it ends its connections too, `close` does not. */
export class Forward implements AsyncDisposable {
  /** Where it listens in fact: the port it got. Of a remote forward, at the server and as the server was asked. */
  readonly address: Place
  readonly #parts: ForwardParts
  readonly #gone = Promise.withResolvers<Error | undefined>()
  #stopping: Promise<void> | undefined

  constructor(parts: ForwardParts) {
    this.address = parts.address
    this.#parts = parts
  }

  get state(): 'listening' | 'closed' {
    return this.#stopping === undefined ? 'listening' : 'closed'
  }

  /** What went through it so far. */
  get counts(): ForwardCounts {
    return this.#parts.traffic.counts
  }

  /** Why the last connection that failed did. */
  get lastError(): Error | undefined {
    return this.#parts.traffic.lastError
  }

  /** Resolves when it listens no more; with what ended it if nobody here wanted that. Never rejects. */
  get closed(): Promise<Error | undefined> {
    return this.#gone.promise
  }

  /** Listens no more. Connections that are there go on. Never rejects. */
  async close(): Promise<void> {
    await this.#end(undefined)
  }

  /** Tells that what it rested on has gone. */
  lost(error: Error): void {
    void this.#end(error)
  }

  async #end(error: Error | undefined): Promise<void> {
    this.#stopping ??= this.#parts.stop().then(() => this.#gone.resolve(error))
    await this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
    this.#parts.traffic.abort()
  }
}

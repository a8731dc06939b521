// Owns Web Streams over a channel's bytes: one readable per data type, one writable. The receive window is what bounds
// the queue; it reopens as the reader takes bytes.

/**
 * Queues bytes for a `ReadableStream` and tells how many were taken. The stream is made when somebody asks for it: most
 * sessions never look at some of theirs, and an idle one costs more than all else a channel holds.
 */
export class ByteQueue {
  readonly #taken: (count: number) => void
  readonly #chunks: Uint8Array[] = []
  #stream: ReadableStream<Uint8Array> | undefined
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  /** A reader waits for bytes. */
  #wanted = false
  /** How it ended, once it has; the stream follows when the queue is empty. */
  #end: { readonly error: Error | undefined } | undefined
  /** The stream is closed, failed or cancelled. */
  #over = false

  /** `taken` is called with the number of bytes that left the queue; after a cancel, with all that still come. */
  constructor(taken: (count: number) => void) {
    this.#taken = taken
  }

  get stream(): ReadableStream<Uint8Array> {
    return (this.#stream ??= this.#open())
  }

  #open(): ReadableStream<Uint8Array> {
    const stream = new ReadableStream<Uint8Array>(
      {
        start: controller => {
          this.#controller = controller
        },
        pull: () => {
          this.#wanted = true
          this.#serve()
        },
        cancel: () => {
          this.#over = true
          let left = 0
          for (const chunk of this.#chunks.splice(0)) left += chunk.length
          if (left > 0) this.#taken(left)
        },
      },
      // Nothing is handed to the stream before it is asked for: the window counts what the reader has not taken.
      { highWaterMark: 0 },
    )
    if (this.#end !== undefined && this.#chunks.length === 0) this.#serve()
    return stream
  }

  /** Adds bytes. They are kept: copy a view that will not last. */
  push(bytes: Uint8Array): void {
    if (this.#over || this.#end !== undefined) {
      this.#taken(bytes.length)
      return
    }
    this.#chunks.push(bytes)
    if (this.#wanted) this.#serve()
  }

  #serve(): void {
    if (this.#over || this.#controller === undefined) return
    const chunk = this.#chunks.shift()
    if (chunk !== undefined) {
      this.#wanted = false
      this.#controller.enqueue(chunk)
      this.#taken(chunk.length)
    } else if (this.#end !== undefined) {
      this.#over = true
      if (this.#end.error === undefined) this.#controller.close()
      else this.#controller.error(this.#end.error)
    }
  }

  /** Hands over what is queued, for a consumer that takes the bytes without the stream from now on. */
  drain(): readonly Uint8Array[] {
    return this.#chunks.splice(0)
  }

  /** No more bytes will come, because of `error` if there is one. What is queued can still be read first. */
  end(error?: Error): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    if (this.#chunks.length === 0) this.#serve()
  }
}

const utf8 = new TextEncoder()

/** A writable of bytes with a shortcut that also takes text and needs no lock. */
export interface ByteWritable extends WritableStream<Uint8Array> {
  /** Resolves when the bytes are on their way; rejects when the channel is closed. */
  write(chunk: Uint8Array | string): Promise<void>
  /** No more will be written. */
  end(): Promise<void>
}

export interface ByteTarget {
  write(bytes: Uint8Array): Promise<void> | undefined
  end(): void
  abort(): void
  /** Tells when nothing more can be written, so that whoever pipes into the stream stops. */
  whenClosed(listener: (cause: Error) => void): void
}

const unheard = (): void => {}

/** A `WritableStream` over `target`, with `write` and `end` beside it. */
export const byteWritable = (target: ByteTarget): ByteWritable => {
  const stream = new WritableStream<Uint8Array>(
    {
      start: controller => target.whenClosed(cause => controller.error(cause)),
      write: chunk => target.write(chunk),
      close: () => target.end(),
      abort: () => target.abort(),
    },
    { highWaterMark: 1 },
  )
  return Object.assign(stream, {
    write(chunk: Uint8Array | string): Promise<void> {
      const outcome = (async () => target.write(typeof chunk === 'string' ? utf8.encode(chunk) : chunk))()
      // A write nobody awaits must not end the program when it fails.
      outcome.catch(unheard)
      return outcome
    },
    async end(): Promise<void> {
      target.end()
    },
  })
}

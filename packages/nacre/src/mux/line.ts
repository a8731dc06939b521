// Owns a stream of bytes that carries messages of PROTOCOL.mux for a while, and may carry something else afterwards: whole
// messages in, one after another, and the rest of the stream as a transport of its own. Knows nothing of what is said.
import { SshError, WireError } from '../errors.ts'
import type { ByteTransport, TransportSink } from '../io/transport.ts'
import { readUint32 } from '../wire/uint32.ts'
import { encodeMux, mostMuxBytes, type MuxMessage } from './messages.ts'

const nothing = new Uint8Array(0)
/** With so much unread, the other side is held up. */
const enoughHeld = 64 * 1024

/** Whole messages of a stream, and what came after them. */
export interface MuxLine {
  /** The next message without its length; `undefined` at the end. Rejects with `WireError` for a length no message has. */
  read(): Promise<Uint8Array | undefined>
  write<T>(message: MuxMessage<T>, value: T): void
  /** From here on the stream is the caller's, from the first byte that no `read` gave. */
  handOver(): ByteTransport
  close(): void
  /** Resolves when nothing more will come. */
  readonly ended: Promise<void>
}

export class TransportLine implements MuxLine {
  readonly #transport: ByteTransport
  #held = nothing
  #over = false
  #paused = false
  #failure: unknown
  #wake: (() => void) | undefined
  #next: TransportSink | undefined
  readonly #gone = Promise.withResolvers<void>()

  constructor(transport: ByteTransport) {
    this.#transport = transport
    transport.start({ data: bytes => this.#data(bytes), end: error => this.#end(error) })
  }

  get ended(): Promise<void> {
    return this.#gone.promise
  }

  #data(bytes: Uint8Array): void {
    if (this.#next !== undefined) {
      this.#next.data(bytes)
      return
    }
    const all = new Uint8Array(this.#held.length + bytes.length)
    all.set(this.#held)
    all.set(bytes, this.#held.length)
    this.#held = all
    if (all.length >= enoughHeld && !this.#paused) {
      this.#paused = true
      this.#transport.pause()
    }
    this.#wake?.()
  }

  #end(error?: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#failure = error
    this.#gone.resolve()
    if (this.#next === undefined) this.#wake?.()
    else this.#next.end(error)
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const whole = this.#whole()
      if (whole !== undefined) return whole
      if (this.#over) {
        if (this.#held.length > 0) throw new WireError('the stream ends within a message')
        return undefined
      }
      // A message may be longer than what is held at once.
      this.#flow()
      await new Promise<void>(resolve => (this.#wake = resolve))
      this.#wake = undefined
    }
  }

  #flow(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#transport.resume()
  }

  #whole(): Uint8Array | undefined {
    if (this.#held.length < 4) return undefined
    const length = readUint32(this.#held, 0)
    if (length < 4 || length > mostMuxBytes) throw new WireError(`a message of ${length} bytes; 4 to ${mostMuxBytes} are allowed`)
    if (this.#held.length < 4 + length) return undefined
    const whole = this.#held.subarray(4, 4 + length)
    this.#held = this.#held.subarray(4 + length)
    if (this.#held.length < enoughHeld) this.#flow()
    return whole
  }

  write<T>(message: MuxMessage<T>, value: T): void {
    if (!this.#over) this.#transport.write(encodeMux(message, value), () => {})
  }

  handOver(): ByteTransport {
    if (this.#next !== undefined) throw new SshError('MUX', 'the stream has another owner already')
    const transport = this.#transport
    return {
      remote: transport.remote,
      start: sink => {
        const early = this.#held
        this.#held = nothing
        if (early.length > 0) sink.data(early)
        this.#next = sink
        if (this.#over) sink.end(this.#failure)
        else this.#flow()
      },
      write: (bytes, taken) => transport.write(bytes, taken),
      gather: () => transport.gather?.(),
      flush: () => transport.flush?.(),
      pause: () => transport.pause(),
      resume: () => transport.resume(),
      close: deserted => transport.close(deserted),
    }
  }

  close(): void {
    this.#transport.close()
  }
}

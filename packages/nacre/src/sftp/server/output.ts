// Owns the way answers go out: small ones of one turn are gathered into one write, data goes as it lies in its buffer, and how
// much the pipe has not taken yet is known. Knows the frame of a packet, nothing of what is in it.
import { Writer } from '../../wire/writer.ts'
import { writeUint32 } from '../../wire/uint32.ts'
import type { BytePipe } from '../pipe.ts'
import { giveBack, largeBuffer, takeBuffer } from './buffers.ts'

/** Gathered answers go as soon as they are so many bytes. */
const enough = 128 * 1024

export interface OutputHost {
  /** Everything was taken that was not before. */
  drained(): void
  /** Nothing can be written any more. */
  lost(error: unknown): void
}

export class Output {
  readonly #pipe: BytePipe
  readonly #host: OutputHost
  #writer: Writer | undefined
  #heldWrites = 0
  #heldBytes = 0
  #lost = false

  constructor(pipe: BytePipe, host: OutputHost) {
    this.#pipe = pipe
    this.#host = host
  }

  /** Whether the pipe has yet to take something. */
  get blocked(): boolean {
    return this.#heldWrites > 0
  }

  /** Bytes that have not been taken yet. */
  get backlog(): number {
    return this.#heldBytes + (this.#writer?.offset ?? 0)
  }

  get empty(): boolean {
    return this.#heldWrites === 0 && (this.#writer === undefined || this.#writer.offset === 0)
  }

  /** Where the next packet is to be written; `open` and `close` go around it. */
  get writer(): Writer {
    this.#writer ??= new Writer(takeBuffer(largeBuffer))
    return this.#writer
  }

  /** Begins a packet with `id` and says where; `close` must be called before anything else. */
  open(type: number, id: number): number {
    if (this.#writer !== undefined && this.#writer.offset > enough) this.flush()
    const writer = this.writer
    const start = writer.offset
    writer.reserve(9)
    writeUint32(writer.bytes, start, 0)
    writer.bytes[start + 4] = type
    writeUint32(writer.bytes, start + 5, id)
    writer.offset = start + 9
    return start
  }

  /** Ends the packet that began at `start`. */
  close(start: number): void {
    const writer = this.writer
    writeUint32(writer.bytes, start, writer.offset - start - 4)
  }

  /** Drops the packet that began at `start`. */
  drop(start: number): void {
    this.writer.offset = start
  }

  /** Gathers `bytes`, which are a whole packet but for its id. */
  gather(bytes: Uint8Array, id: number): void {
    if (this.#writer !== undefined && this.#writer.offset > enough) this.flush()
    const writer = this.writer
    const start = writer.offset
    writer.fixed(bytes)
    writeUint32(writer.bytes, start + 5, id)
  }

  /** Sends what was gathered, unless the pipe still has to take what went before. */
  flush(): void {
    const writer = this.#writer
    if (writer === undefined || writer.offset === 0) return
    if (this.#lost) {
      writer.offset = 0
      return
    }
    if (this.#heldWrites > 0) return
    const { bytes } = writer
    const taking = this.#pipe.write(bytes.subarray(0, writer.offset))
    if (taking === undefined) {
      writer.offset = 0
      // One that grew for a large answer is not kept.
      if (bytes.length > largeBuffer) this.#writer = undefined
    } else {
      this.#writer = undefined
      this.#hold(taking, bytes, writer.offset)
    }
  }

  /** Sends `buffer` up to `end`, which is whole packets, and gives it back once it was taken. */
  send(buffer: Uint8Array, end: number): void {
    if (this.#lost) {
      giveBack(buffer)
      return
    }
    const taking = this.#pipe.write(buffer.subarray(0, end))
    if (taking === undefined) giveBack(buffer)
    else this.#hold(taking, buffer, end)
  }

  #hold(taking: Promise<void>, buffer: Uint8Array, bytes: number): void {
    this.#heldWrites++
    this.#heldBytes += bytes
    taking.then(
      () => {
        giveBack(buffer)
        this.#heldWrites--
        this.#heldBytes -= bytes
        this.flush()
        if (this.#heldWrites === 0) this.#host.drained()
      },
      (error: unknown) => {
        this.#heldWrites--
        this.#heldBytes -= bytes
        this.#lost = true
        this.#host.lost(error)
      },
    )
  }

  /** Gives the buffers back; nothing is written any more. */
  end(): void {
    this.#lost = true
    if (this.#writer !== undefined && this.#writer.bytes.length <= largeBuffer) giveBack(this.#writer.bytes)
    this.#writer = undefined
  }
}

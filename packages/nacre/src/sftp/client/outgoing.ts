// Owns how requests leave: small ones of one turn in one write, large ones where they lie, and whether the pipe has room for
// more. Knows the frame of a packet and nothing of what is asked.
import { writeUint32 } from '../../wire/uint32.ts'
import { Writer } from '../../wire/writer.ts'
import { maximumHandle, packetTypes } from '../messages.ts'
import type { BytePipe } from '../pipe.ts'

/** Bytes that must be free before data handed to `frame`: length, number, id, handle, offset and length of the data. */
export const writeHeadroom = 4 + 1 + 4 + 4 + maximumHandle + 8 + 4

/** What is gathered goes at once when it has become as much as this. */
const enough = 64 * 1024
const initialBytes = 4 * 1024
/** A buffer that grew beyond this is not kept. */
const largestKept = 512 * 1024

export class Outgoing {
  readonly #pipe: BytePipe
  readonly #broken: (error: Error) => void
  #writer = new Writer(initialBytes)
  /** Another writer to go on with. */
  #spare: Writer | undefined
  #scheduled = false
  /** Writes the pipe has not taken yet. */
  #waiting = 0
  #stopped = false
  #onRoom: (() => void)[] = []
  readonly #flush = (): void => this.flush()
  readonly #taken = (): void => {
    if (--this.#waiting > 0) return
    this.flush()
    if (this.#waiting === 0) this.#tellRoom()
  }

  /** `broken` is told when the pipe can take nothing more. */
  constructor(pipe: BytePipe, broken: (error: Error) => void) {
    this.#pipe = pipe
    this.#broken = broken
  }

  /** What was sent waits for the other side. More is taken, but whoever sends much should wait. */
  get full(): boolean {
    return this.#waiting > 0 && !this.#stopped
  }

  /** Calls `act` once, when the pipe has room again; at once when it has. */
  whenRoom(act: () => void): void {
    if (this.full) this.#onRoom.push(act)
    else act()
  }

  /** Starts a packet; its fields are to be written with what this returns, then `end` be called with `start`. */
  begin(type: number): Writer {
    const writer = this.#writer
    writer.uint32(0)
    writer.byte(type)
    return writer
  }

  /** `start` is where the writer stood before `begin`. */
  end(start: number): void {
    writeUint32(this.#writer.bytes, start, this.#writer.offset - start - 4)
    if (this.#writer.offset >= enough && !this.full) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      queueMicrotask(this.#flush)
    }
  }

  /** Where the next packet starts. */
  get start(): number {
    return this.#writer.offset
  }

  /** Forgets a packet that could not be written whole. */
  forget(start: number): void {
    this.#writer.offset = start
  }

  /**
   * A WRITE whose data lie in `buffer` from `at` on, `length` of them, with `writeHeadroom` bytes before that may be overwritten.
   * Nothing is copied: the buffer must stay as it is until the pipe has taken it, that is until the request is answered.
   */
  frame(id: number, handle: Uint8Array, offset: number, buffer: Uint8Array, at: number, length: number): void {
    const start = at - (25 + handle.length)
    writeUint32(buffer, start, 21 + handle.length + length)
    buffer[start + 4] = packetTypes.SSH_FXP_WRITE
    writeUint32(buffer, start + 5, id)
    writeUint32(buffer, start + 9, handle.length)
    buffer.set(handle, start + 13)
    const after = start + 13 + handle.length
    writeUint32(buffer, after, Math.floor(offset / 0x1_0000_0000))
    writeUint32(buffer, after + 4, offset % 0x1_0000_0000)
    writeUint32(buffer, after + 8, length)
    // Requests arrive in the order they were made.
    this.#send()
    this.#give(buffer.subarray(start, at + length))
  }

  /** Sends what is gathered, unless the pipe is full: then it goes when that has room. */
  flush(): void {
    this.#scheduled = false
    if (!this.full) this.#send()
  }

  #send(): void {
    const writer = this.#writer
    if (writer.offset === 0 || this.#stopped) return
    // Within the write an answer may come that leads to another request: that must not end up in what is being sent.
    this.#writer = this.#spare ?? new Writer(initialBytes)
    this.#spare = undefined
    if (this.#give(writer.written()) || writer.bytes.length > largestKept) return
    writer.offset = 0
    this.#spare = writer
  }

  /** Nothing more will be sent. Whoever waits for room is let go. */
  stop(): void {
    this.#stopped = true
    this.#tellRoom()
  }

  #tellRoom(): void {
    const listeners = this.#onRoom
    this.#onRoom = []
    for (const listener of listeners) listener()
  }

  /** Whether the pipe still holds the bytes. */
  #give(bytes: Uint8Array): boolean {
    const taken = this.#pipe.write(bytes)
    if (taken === undefined) return false
    this.#waiting++
    taken.then(this.#taken, this.#broken)
    return true
  }
}

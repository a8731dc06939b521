// Owns the channels one transfer opens beside the first: those its caller asked for, and those it opens by itself where the way is
// long. They are opened together, what is refused is not asked for again, and all are closed at the end. Knows no files.
import type { Remote } from './remote.ts'

/** One more channel of SFTP to the same server. */
export interface Channel {
  readonly remote: Remote
  close(): Promise<void>
}

export type OpenChannel = (signal: AbortSignal | undefined) => Promise<Channel | undefined>

/** Channels for one transfer, the first among them. Servers mostly allow ten sessions on a connection: two are left to others. */
export const maximumChannels = 8

/** What was found out about a connection: how many channels it allows one transfer. */
export interface Room {
  channels: number
  /** Until the channels of transfers before are closed: as long as they are not, they take room. Never rejects. */
  closing: Promise<unknown>
}

export class Channels {
  readonly #another: OpenChannel | undefined
  readonly #room: Room
  readonly #signal: AbortSignal | undefined
  readonly #opened: Channel[] = []
  /** The first, those that are there, and those under way. */
  #count = 1
  #over = false

  constructor(another: OpenChannel | undefined, room: Room, signal: AbortSignal | undefined) {
    this.#another = another
    this.#room = room
    this.#signal = signal
  }

  /** Begins to open up to `count` more, all together. Each resolves with `undefined` when it is not to be had; none rejects. */
  open(count: number): readonly Promise<Remote | undefined>[] {
    const another = this.#another
    if (another === undefined || this.#over) return []
    const most = Math.min(count, this.#room.channels - this.#count)
    return Array.from({ length: Math.max(0, most) }, async () => {
      // Before anybody is waited for: several files may ask at the same time.
      this.#count++
      await this.#room.closing
      const asked = !this.#over
      const channel = asked ? await another(this.#signal).catch(() => undefined) : undefined
      if (channel === undefined) {
        this.#count--
        // Refused because there are enough, unless it was we who gave up.
        if (asked && this.#signal?.aborted !== true) this.#room.channels = Math.max(1, Math.min(this.#room.channels, this.#count))
        return undefined
      }
      if (this.#over) {
        this.#end([channel])
        return undefined
      }
      this.#opened.push(channel)
      return channel.remote
    })
  }

  /** Closes what is open, and what is still being opened as soon as it is. */
  close(): void {
    this.#over = true
    if (this.#opened.length > 0) this.#end(this.#opened)
  }

  #end(channels: readonly Channel[]): void {
    const closed = channels.map(channel => channel.close().catch(() => {}))
    this.#room.closing = Promise.all([this.#room.closing, ...closed])
  }
}

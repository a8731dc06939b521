// Owns the asynchronous face of one channel: bounded reading with back-pressure, writing that waits for room, requests
// that settle, and the end. Streams and sessions are built on it. Knows nothing of what the channel is for.
import type { Channel } from '../connection/channel.ts'
import type { ChannelRequestQuestion } from '../connection/events.ts'
import type { RequestRow } from '../connection/requests/row.ts'
import { RequestRefusedError, withoutStack } from '../errors.ts'

/** What a consumer of a channel sees. Bytes are views: valid until `data` returns unless `detached`. */
export interface PortHandler {
  /** Takes bytes; call `consume` with as many once they have been dealt with, so that the peer may send more. */
  data(bytes: Uint8Array, type: number, detached: boolean): void
  /** The peer will send no more data. */
  eof(): void
  request(request: ChannelRequestQuestion): void
  /** The channel is gone; `error` is set when the connection ended under it. */
  closed(error: Error | undefined): void
}

/** Told of every packet of data either way. */
export interface Traffic {
  passed(): void
}

/** Told that the engine has something to send. */
export interface Waker {
  wake(): void
}

interface WaitingWrite {
  readonly bytes: Uint8Array
  offset: number
  readonly type: number
  readonly done: () => void
  readonly failed: (error: Error) => void
}

/** No writes wait: shared by all channels, and never added to. */
const none: WaitingWrite[] = []

export class ChannelPort {
  readonly channel: Channel
  /** Who wants to know that something passes; see `IdleWatch`. */
  traffic: Traffic | undefined
  readonly #waker: Waker
  #handler: PortHandler | undefined
  #waiting: WaitingWrite[] = none
  /** Events that came before a handler was set. Bounded by the channel's window and the limit on requests. */
  #early: ((handler: PortHandler) => void)[] | undefined
  #closed: { readonly error: Error | undefined } | undefined
  #eofWanted = false
  #closeWanted = false
  #afterWrites: (() => void) | undefined
  #closedListeners: ((cause: Error) => void)[] | undefined

  constructor(channel: Channel, waker: Waker) {
    this.channel = channel
    this.#waker = waker
  }

  /** Sets who gets the channel's events; those that came before are delivered at once. */
  handle(handler: PortHandler): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.#handler = handler
    for (const deliver of early) deliver(handler)
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Calls `listener` when the channel is gone, with what a write would then be refused with. */
  whenClosed(listener: (cause: Error) => void): void {
    if (this.#closed !== undefined) listener(this.#closedError())
    else {
      this.#closedListeners ??= []
      this.#closedListeners.push(listener)
    }
  }

  // ── from the driver ───────────────────────────────────────────────────────────────────────────────────────────────

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    this.traffic?.passed()
    if (this.#handler !== undefined) {
      this.#handler.data(bytes, type, detached)
      return
    }
    const kept = detached ? bytes : bytes.slice()
    this.#later(handler => handler.data(kept, type, true))
  }

  peerEof(): void {
    if (this.#handler !== undefined) this.#handler.eof()
    else this.#later(handler => handler.eof())
  }

  requested(question: ChannelRequestQuestion): void {
    if (this.#handler !== undefined) this.#handler.request(question)
    else this.#later(handler => handler.request(question))
  }

  writable(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]
      const taken = this.channel.write(next.offset === 0 ? next.bytes : next.bytes.subarray(next.offset), next.type)
      if (taken > 0) this.traffic?.passed()
      next.offset += taken
      if (next.offset < next.bytes.length) return
      this.#waiting.shift()
      next.done()
    }
    const after = this.#afterWrites
    this.#afterWrites = undefined
    after?.()
    if (this.#eofWanted && !this.#closeWanted) this.channel.eof()
    this.#eofWanted = false
    if (this.#closeWanted) this.channel.close()
  }

  ended(error: Error | undefined): void {
    if (this.#closed !== undefined) return
    this.#closed = { error }
    if (this.#waiting.length > 0) {
      const cause = this.#closedError()
      for (const each of this.#dropWrites()) each.failed(cause)
    }
    if (this.#handler !== undefined) this.#handler.closed(error)
    else this.#later(handler => handler.closed(error))
    if (this.#closedListeners !== undefined) {
      const cause = this.#closedError()
      for (const listener of this.#closedListeners) listener(cause)
      this.#closedListeners = undefined
    }
  }

  #later(deliver: (handler: PortHandler) => void): void {
    this.#early ??= []
    this.#early.push(deliver)
  }

  #dropWrites(): readonly WaitingWrite[] {
    const dropped = this.#waiting
    this.#waiting = none
    return dropped
  }

  #closedError(): Error {
    return this.#closed?.error ?? channelClosed()
  }

  // ── for the consumer ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Sends `bytes` as data of `type` (0, or 1 for standard error). Returns `undefined` when all of it was taken at once,
   * else a promise for when it will have been. The bytes must not change until then, unless they are `borrowed`: then what has to
   * wait is copied. Rejects when the channel closes.
   */
  write(bytes: Uint8Array, type = 0, borrowed = false): Promise<void> | undefined {
    if (this.#closed !== undefined || this.#closeWanted) return heard(Promise.reject(this.#closedError()))
    if (this.#eofWanted || this.channel.ours === 'eof')
      return heard(Promise.reject(new TypeError('nothing can be written to a channel after its end')))
    let taken = 0
    if (this.#waiting.length === 0) {
      taken = this.channel.write(bytes, type)
      if (taken > 0) {
        this.traffic?.passed()
        this.#waker.wake()
      }
      if (taken === bytes.length) return undefined
    }
    return heard(
      new Promise((done, failed) => {
        const write = borrowed ? { bytes: bytes.slice(taken), offset: 0, type, done, failed } : { bytes, offset: taken, type, done, failed }
        if (this.#waiting === none) this.#waiting = [write]
        else this.#waiting.push(write)
      }),
    )
  }

  /**
   * Sends `bytes` as one message now, or not at all; they may change at once. With `full` nothing would fit, and `room` is called
   * once something does, unless the channel closes before.
   */
  writeWhole(bytes: Uint8Array, room: () => void): 'sent' | 'full' | 'dropped' {
    if (this.#closed !== undefined || this.#closeWanted) return 'dropped'
    const outcome = this.channel.writeWhole(bytes)
    if (outcome === 'sent') {
      this.traffic?.passed()
      this.#waker.wake()
    } else if (outcome === 'full') this.#afterWrites = room
    return outcome
  }

  /** Gives `count` bytes back to the receive window. */
  consume(count: number): void {
    if (this.#closed !== undefined) return
    this.channel.consume(count)
    this.#waker.wake()
  }

  /** Lets a peer go on that waits for a packet of ours; see `Channel.acknowledge`. */
  acknowledge(): void {
    if (this.#closed !== undefined) return
    this.channel.acknowledge()
    this.#waker.wake()
  }

  /** Lets the peer have up to `size` bytes under way to us, if that is more than until now. */
  widen(size: number): void {
    if (this.#closed !== undefined) return
    this.channel.widen(size)
    this.#waker.wake()
  }

  /** Calls `act` once everything written so far has gone; never when the channel closes before. */
  afterWrites(act: () => void): void {
    if (this.#closed !== undefined) return
    if (this.#waiting.length > 0) this.#afterWrites = act
    else act()
  }

  /** No more data from us, once what waits has gone. */
  eof(): void {
    if (this.#closed !== undefined || this.#eofWanted || this.#closeWanted) return
    if (this.#waiting.length > 0) {
      this.#eofWanted = true
      return
    }
    this.channel.eof()
    this.#waker.wake()
  }

  /** Closes, once what waits has gone. */
  close(): void {
    if (this.#closed !== undefined || this.#closeWanted) return
    this.#closeWanted = true
    if (this.#waiting.length > 0) return
    this.channel.close()
    this.#waker.wake()
  }

  /** Closes without waiting for anything. */
  abort(): void {
    if (this.#closed !== undefined) return
    const cause = channelClosed()
    for (const each of this.#dropWrites()) each.failed(cause)
    this.#closeWanted = true
    this.channel.close()
    this.#waker.wake()
  }

  /** Sends a request nobody answers. */
  notify<T>(row: RequestRow<string, T>, value: T): void {
    if (this.#closed !== undefined) return
    this.channel.request(row, value)
    this.#waker.wake()
  }

  /**
   * Sends a request and calls `answered` once: without an error when the peer agreed, with a `RequestRefusedError` when it did
   * not, or with why no answer can come any more. Events of the channel that came before the answer may be delivered after it.
   */
  request<T>(row: RequestRow<string, T>, value: T, answered: (error?: Error) => void): void {
    if (this.#closed !== undefined) {
      answered(this.#closedError())
      return
    }
    this.channel.request(row, value, (ok, error) => {
      if (ok) answered()
      else answered(error ?? new RequestRefusedError(row.name, `The peer refused the request "${row.name}".${whyRefused[row.name] ?? ''}`))
    })
    this.#waker.wake()
  }

  /** Sends a request; resolves when the peer agreed, rejects with `RequestRefusedError` when not. */
  async ask<T>(row: RequestRow<string, T>, value: T): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.request(row, value, error => {
        if (error === undefined) resolve()
        else reject(error)
      })
    })
  }
}

const unheard = (): void => {}
/** A write whose outcome nobody looks at must not end the program when it fails; whoever awaits it is still told. */
const heard = (outcome: Promise<void>): Promise<void> => {
  outcome.catch(unheard)
  return outcome
}

/** What is usually behind a refusal, and what to do; the peer says neither. */
const whyRefused: Readonly<Record<string, string>> = {
  'pty-req': ' It gives this login no terminal (PermitTTY no, or no-pty before the key): do without one (ssh -T).',
  subsystem: ' It has no subsystem of that name (Subsystem in its configuration), or cannot start it.',
  exec: ' It may not run commands for this login: its log says why.',
  shell: ' It may not give this login a shell: its log says why.',
}

/** The channel is closed; there was no fault of the connection. */
class ChannelClosedError extends RequestRefusedError {
  constructor() {
    super('channel', 'The channel is closed.')
  }
}

const channelClosed = (): Error => withoutStack(() => new ChannelClosedError())

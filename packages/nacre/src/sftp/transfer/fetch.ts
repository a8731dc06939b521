// Owns moving the bytes of remote files that are open to a sink: many reads in flight, their answers put in order, and whatever
// the server gets wrong mended or refused. Knows neither names nor where the bytes end up.
import { SftpError, TimeoutError, TransferError } from '../../errors.ts'
import { systemClock, type Clock } from '../../io/clock.ts'
import { shownPath } from '../client/explain.ts'
import { type Allowance, allowanceOf, type Departure } from './depth.ts'
import { Buffers, type Sink } from './ends.ts'
import { mayPass } from './fault.ts'
import type { Growing } from './options.ts'
import { Pace } from './pace.ts'
import { type ReadHabits, ReadPlan, type ReadRange, type ReadVerdict } from './read-plan.ts'
import { headroom, type RemoteFile } from './remote.ts'

/** What bounds the moving of one file. */
export interface Bounds {
  readonly inFlight: number
  readonly requests: number
  /** Milliseconds; 0 for none. */
  readonly stallTimeout: number
}

export const defaultBounds: Bounds = { inFlight: 16 * 1024 * 1024, requests: 256, stallTimeout: 60_000 }
export interface FetchOptions {
  /** The same file, open once on each channel that is used. */
  readonly files: readonly RemoteFile[]
  readonly sink: Sink
  /** What stands in errors. */
  readonly path: string
  /** First byte. Default 0. */
  readonly start?: number
  /** Size of the file as it was told; `undefined` or 0 for one that is not believed to know. */
  readonly size: number | undefined
  readonly growing?: Growing
  readonly habits: ReadHabits
  readonly bounds?: Bounds
  /** Shared with the files that are moved at the same time. */
  readonly allowance?: Allowance
  readonly pace?: Pace
  readonly clock?: Clock
  readonly signal?: AbortSignal | undefined
  /** `count` more bytes have been taken by the sink. */
  readonly onBytes?: (count: number) => void
}

/** The window of the channel grows by no less. */
const expectedSteps = 1024 * 1024

/** Bytes that are asked for in one go, where there is room for so many. */
const atOnce = 256 * 1024

interface Asked {
  readonly file: RemoteFile
  readonly id: number
  readonly departure: Departure
}

class Fetch {
  readonly #options: FetchOptions
  readonly #bounds: Bounds
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #plan: ReadPlan
  readonly #allowance: Allowance
  readonly #buffers: Buffers
  readonly #asked = new Map<ReadRange, Asked>()
  /** What came before its turn, by offset. */
  readonly #early = new Map<number, { readonly bytes: Uint8Array; readonly buffer: Uint8Array }>()
  /** First byte the sink has not been given. */
  #at: number
  /** Bytes that came and were not taken yet. */
  #held = 0
  /** What of the allowance is used by this file. */
  #used = 0
  /** A byte behind the size of the file. */
  #surplus: { readonly offset: number; readonly bytes: Uint8Array; readonly buffer: Uint8Array } | undefined
  #looking = false
  #turn = 0
  #lastSign: number
  /** Bytes the server was given room for, as often as it was worth saying. */
  #expected = 0
  #cancelTimer: (() => void) | undefined
  #cancelPause: (() => void) | undefined
  #lastError: Error | undefined
  #over = false
  readonly #outcome = Promise.withResolvers<number>()
  readonly #onAbort = (): void => this.#stop(this.#options.signal?.reason)

  constructor(options: FetchOptions) {
    this.#options = options
    this.#bounds = options.bounds ?? defaultBounds
    this.#clock = options.clock ?? systemClock
    this.#pace = options.pace ?? new Pace(undefined)
    const { start = 0, size, habits } = options
    const believed = size !== undefined && size > 0 && size >= start
    this.#plan = new ReadPlan({ start, end: believed ? size : undefined, habits, maximumRequests: this.#bounds.requests })
    this.#allowance = options.allowance ?? allowanceOf(this.#bounds.inFlight, habits.request)
    this.#buffers = new Buffers(habits.request, Math.ceil(this.#bounds.inFlight / habits.request))
    this.#at = start
    this.#lastSign = this.#clock.now()
  }

  run(): Promise<number> {
    const { signal } = this.#options
    if (signal?.aborted === true) this.#stop(signal.reason)
    else {
      signal?.addEventListener('abort', this.#onAbort, { once: true })
      this.#watch()
      this.#fill()
    }
    return this.#outcome.promise
  }

  #fill(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    if (this.#gathers()) return
    while (!this.#over && !this.#looking) {
      const now = this.#clock.now()
      const wait = this.#pace.wait(now)
      if (wait > 0) {
        this.#cancelPause = this.#clock.after(wait, () => this.#fill())
        return
      }
      const range = this.#plan.next(this.#allowance.room(this.#plan.requests === 0, this.#options.habits.request))
      if (range === undefined) break
      this.#ask(range, now)
    }
    if (!this.#over && !this.#looking && this.#held === 0 && this.#plan.complete) this.#finish()
  }

  /** While some are under way several are asked for at once: each alone would cost both ends a packet and a turn. */
  #gathers(): boolean {
    if (this.#plan.requests === 0) return false
    const { depth, used } = this.#allowance
    return depth.bytes - used < Math.min(depth.bytes / 2, Math.max(atOnce, 2 * this.#options.habits.request))
  }

  #ask(range: ReadRange, now: number): void {
    const { files } = this.#options
    const file = files[this.#turn++ % files.length]
    const buffer = this.#buffers.take(range.length)
    const departure = this.#allowance.depth.depart(now)
    const { bytes } = this.#allowance.depth
    if (bytes > this.#expected) {
      this.#expected = bytes + expectedSteps
      // Whole packets wait in the queue of the server before one of ours is answered.
      for (const each of files) each.expect(this.#expected + expectedSteps)
    }
    this.#use(range.length)
    this.#pace.spend(now, range.length)
    if (this.#asked.size === 0) this.#lastSign = now
    const into = buffer.subarray(headroom, headroom + range.length)
    const id = file.read(range.offset, range.length, into, (error, bytes) => this.#answered(range, buffer, error, bytes))
    this.#asked.set(range, { file, id, departure })
  }

  #answered(range: ReadRange, buffer: Uint8Array, error: Error | undefined, bytes: Uint8Array | undefined): void {
    const asked = this.#asked.get(range)
    if (asked === undefined || this.#over) return
    this.#asked.delete(range)
    const now = this.#clock.now()
    this.#lastSign = now
    this.#use((bytes?.length ?? 0) - range.length)
    if (bytes === undefined) {
      this.#buffers.give(buffer)
      if (error === undefined) this.#judge(this.#plan.ended(range))
      else this.#failed(range, error, mayPass(error))
    } else if (bytes.length === 0 || bytes.length > range.length) {
      this.#stop(new SftpError('bad-message', `The server answered a read of ${range.length} bytes with ${bytes.length}.`))
    } else {
      this.#allowance.depth.arrive(now, asked.departure, bytes.length, this.#allowance.filled)
      this.#arrived(range, bytes, buffer)
    }
    this.#fill()
  }

  #failed(range: ReadRange, error: Error, transient: boolean): void {
    this.#lastError = error
    this.#judge(this.#plan.failed(range, transient))
  }

  #arrived(range: ReadRange, bytes: Uint8Array, buffer: Uint8Array): void {
    const verdict = this.#plan.arrived(range, bytes.length)
    let kept = bytes
    if (verdict === 'longer') {
      const over = range.offset + bytes.length - (this.#plan.end ?? 0)
      kept = bytes.subarray(0, bytes.length - over)
      this.#surplus = { offset: range.offset + kept.length, bytes: bytes.slice(kept.length), buffer: new Uint8Array(0) }
    }
    if (kept.length > 0) this.#keep(range.offset, kept, buffer)
    else this.#buffers.give(buffer)
    this.#judge(verdict)
  }

  #keep(offset: number, bytes: Uint8Array, buffer: Uint8Array): void {
    this.#held += bytes.length
    if (offset !== this.#at) {
      this.#early.set(offset, { bytes, buffer })
      return
    }
    this.#give(bytes, buffer)
    for (let next = this.#early.get(this.#at); next !== undefined; next = this.#early.get(this.#at)) {
      this.#early.delete(this.#at)
      this.#give(next.bytes, next.buffer)
    }
  }

  #give(bytes: Uint8Array, buffer: Uint8Array): void {
    const offset = this.#at
    this.#at += bytes.length
    this.#options.sink.write(offset, bytes, error => {
      this.#buffers.give(buffer)
      this.#held -= bytes.length
      if (this.#over) return
      this.#use(-bytes.length)
      if (error !== undefined) {
        this.#stop(error)
        return
      }
      try {
        this.#options.onBytes?.(bytes.length)
      } catch (thrown) {
        this.#stop(thrown)
      }
      this.#fill()
    })
  }

  #judge(verdict: ReadVerdict): void {
    if (verdict === 'go-on' || this.#over) return
    if (verdict === 'give-up') this.#stop(this.#lastError ?? this.#cutShort(undefined))
    else if (!this.#looking) {
      this.#looking = true
      this.#look(verdict).then(
        () => {
          this.#looking = false
          this.#fill()
        },
        (error: unknown) => this.#stop(error),
      )
    }
  }

  /** The size was not what it was said to be: asks again, and decides. */
  async #look(verdict: 'early-end' | 'longer'): Promise<void> {
    const { growing = 'snapshot', path } = this.#options
    const size = (await this.#options.files[0].stat().catch(() => undefined))?.size
    this.#lastSign = this.#clock.now()
    const told = this.#plan.end ?? 0
    if (verdict === 'longer') {
      if (growing === 'reject') throw changed(path, 'grew')
      if (growing === 'snapshot' && size !== undefined && size > told) this.#plan.ignoreRest()
      else {
        this.#plan.endless()
        if (this.#surplus !== undefined) this.#keep(this.#surplus.offset, this.#surplus.bytes, this.#surplus.buffer)
      }
      this.#surplus = undefined
      return
    }
    const endAt = this.#plan.endAt
    // Something behind it has come meanwhile.
    if (endAt === undefined) return
    if (size !== undefined && size <= endAt) {
      if (growing !== 'follow') throw changed(path, 'became shorter')
      this.#plan.confirmEnd()
    } else if (this.#plan.doubtEnd() === 'give-up') {
      if (growing !== 'follow') throw this.#cutShort(size)
      this.#plan.confirmEnd()
    }
  }

  #cutShort(size: number | undefined): TransferError {
    const { path } = this.#options
    const endAt = this.#plan.endAt ?? this.#at
    return new TransferError(
      'TRANSFER_CUT_SHORT',
      `The server says that ${shownPath(path)} ends after ${endAt} bytes, and that it has ${size ?? this.#plan.end ?? 'more'}. ` +
        "If it is no ordinary file, the option growing: 'follow' takes what there is.",
      path,
    )
  }

  /** Sees to it that a server which has fallen silent is not waited for for ever. */
  #watch(): void {
    const { stallTimeout } = this.#bounds
    if (stallTimeout === 0 || this.#over) return
    const silent = this.#clock.now() - this.#lastSign
    const left = this.#asked.size === 0 ? stallTimeout : stallTimeout - silent
    if (left <= 0) this.#stalled(stallTimeout)
    this.#cancelTimer = this.#over ? undefined : this.#clock.after(left <= 0 ? stallTimeout : left, () => this.#watch())
  }

  #stalled(stallTimeout: number): void {
    const error = new TimeoutError(
      'transfer',
      `The server has answered no read of ${shownPath(this.#options.path)} for ${stallTimeout / 1000} seconds.`,
    )
    this.#lastSign = this.#clock.now()
    for (const [range, { file, id }] of [...this.#asked]) {
      file.cancel(id)
      this.#asked.delete(range)
      this.#use(-range.length)
      // One that is alone has been asked for again already.
      if (!this.#over) this.#failed(range, error, !range.alone)
    }
    this.#fill()
  }

  #use(count: number): void {
    this.#used += count
    this.#allowance.used += count
  }

  #finish(): void {
    this.#end()
    this.#outcome.resolve(this.#at)
  }

  #stop(error: unknown): void {
    if (this.#over) return
    this.#end()
    this.#outcome.reject(error)
  }

  #end(): void {
    this.#over = true
    this.#cancelTimer?.()
    this.#cancelPause?.()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    for (const { file, id } of this.#asked.values()) file.cancel(id)
    this.#use(-this.#used)
    this.#asked.clear()
    this.#early.clear()
  }
}

export const changed = (path: string, how: string): TransferError =>
  new TransferError('TRANSFER_SOURCE_CHANGED', `${shownPath(path)} ${how} while it was transferred.`, path)

/**
 * Moves a file to the sink, in order, and resolves with where it ended. Rejects when it cannot be had whole; the sink has then
 * been given the beginning. No read is under way any more either way.
 */
export const fetchFile = (options: FetchOptions): Promise<number> => new Fetch(options).run()

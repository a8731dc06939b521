// Owns moving the bytes of a source to remote files that are open: read ahead, many writes in flight in the order of the file,
// and whatever the server refuses tried in another way. Knows neither names nor where the bytes come from.
import { TimeoutError } from '../../errors.ts'
import { systemClock, type Clock } from '../../io/clock.ts'
import { shownPath } from '../client/explain.ts'
import { type Allowance, allowanceOf, type Departure } from './depth.ts'
import { Buffers, isZero, type Source } from './ends.ts'
import { mayPass } from './fault.ts'
import { type Bounds, changed, defaultBounds } from './fetch.ts'
import { longWay, worthwhile } from './moving.ts'
import type { Growing } from './options.ts'
import { Pace } from './pace.ts'
import { headroom, type RemoteFile } from './remote.ts'
import { type WriteHabits, WritePlan, type WriteRange } from './write-plan.ts'

export interface StoreOptions {
  /** The same file, open once on each channel that is used. */
  readonly files: readonly RemoteFile[]
  readonly source: Source
  /** The file as it is being opened on more channels; those that resolve with one join. None rejects. */
  readonly joining?: readonly Promise<RemoteFile | undefined>[]
  /**
   * Begins to open the file on so many more channels, if there can be any. Asked for when the windows of those there are, and not
   * the way, are what holds the writes back. `roundTrip`: milliseconds it takes at most, as far as is known before the first answer.
   */
  readonly more?: { readonly roundTrip: number; open(count: number): readonly Promise<RemoteFile | undefined>[] }
  /** What stands in errors: the source, and the file on the server. */
  readonly from: string
  readonly path: string
  /** First byte. Default 0. */
  readonly start?: number
  readonly growing?: Growing
  /** The file ends where it is written to: zeros there need not be sent. */
  readonly sparse?: boolean
  readonly habits: WriteHabits
  readonly bounds?: Bounds
  /** Shared with the files that are moved at the same time. */
  readonly allowance?: Allowance
  readonly pace?: Pace
  readonly clock?: Clock
  readonly signal?: AbortSignal | undefined
  /** `count` more bytes have been acknowledged. */
  readonly onBytes?: (count: number) => void
}

export interface Stored {
  /** Where the file ends. */
  readonly end: number
  /** Its last bytes are zeros that were not sent: the size has to be set. */
  readonly hollow: boolean
}

/** Bytes that most servers let be under way on one channel. */
const usualWindow = 2 * 1024 * 1024

/** Reads of the source that are under way at once. */
const readAhead = 4

interface Job {
  range: WriteRange
  readonly buffer: Uint8Array
  /** The bytes are there. */
  filled: boolean
  /** What `cancel` takes, once it was sent. */
  sent: { readonly file: RemoteFile; readonly id: number; readonly departure: Departure } | undefined
}

class Store {
  readonly #options: StoreOptions
  readonly #files: RemoteFile[]
  readonly #bounds: Bounds
  readonly #clock: Clock
  readonly #pace: Pace
  readonly #plan: WritePlan
  readonly #allowance: Allowance
  readonly #buffers: Buffers
  /** Being read, or read and not sent, in the order of the file. */
  readonly #line: Job[] = []
  readonly #sent = new Set<Job>()
  /** Bytes of refused writes, until they have been sent again. */
  readonly #refused: { readonly offset: number; readonly bytes: Uint8Array }[] = []
  #reading = 0
  /** What of the allowance is used by this file. */
  #used = 0
  #turn = 0
  #highest: number
  #lastSign: number
  #cancelTimer: (() => void) | undefined
  #cancelPause: (() => void) | undefined
  /** Channels that will say when they have room. */
  readonly #awaited = new Set<RemoteFile>()
  #wantsMore = true
  #cancelLook: (() => void) | undefined
  /** Bytes that were sent and not acknowledged. */
  #sentBytes = 0
  #over = false
  readonly #outcome = Promise.withResolvers<Stored>()
  readonly #onAbort = (): void => this.#stop(this.#options.signal?.reason)

  constructor(options: StoreOptions) {
    this.#options = options
    this.#files = [...options.files]
    this.#bounds = options.bounds ?? defaultBounds
    this.#clock = options.clock ?? systemClock
    this.#pace = options.pace ?? new Pace(undefined)
    const { start = 0, habits, source, growing } = options
    // A size of 0 is what files have that are made when they are read.
    const believed = growing !== 'follow' && !source.sequential && source.size !== undefined && source.size > 0
    const end = believed ? source.size : undefined
    this.#plan = new WritePlan({ start, end, habits, maximumRequests: this.#bounds.requests, span: this.#bounds.inFlight })
    this.#allowance = options.allowance ?? allowanceOf(this.#bounds.inFlight, habits.request)
    this.#buffers = new Buffers(habits.request, Math.ceil(this.#bounds.inFlight / habits.request))
    this.#highest = start
    this.#lastSign = this.#clock.now()
  }

  run(): Promise<Stored> {
    const { signal } = this.#options
    if (signal?.aborted === true) this.#stop(signal.reason)
    else {
      signal?.addEventListener('abort', this.#onAbort, { once: true })
      this.#watch()
      this.#join(this.#options.joining ?? [])
      this.#fill()
    }
    return this.#outcome.promise
  }

  #fill(): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    while (!this.#over) {
      // Where the source ends is known once a read comes back short: nothing is read beyond before.
      if (this.#reading >= (this.#plan.end === undefined || this.#options.source.sequential ? 1 : readAhead)) break
      if (this.#plan.end === undefined && this.#line.some(each => !each.filled)) break
      const now = this.#clock.now()
      const wait = this.#pace.wait(now)
      if (wait > 0) {
        this.#cancelPause = this.#clock.after(wait, () => this.#fill())
        break
      }
      const range = this.#plan.next(this.#allowance.room(this.#plan.requests === 0, this.#options.habits.request))
      if (range === undefined) break
      this.#use(range.length)
      this.#pace.spend(now, range.length)
      this.#prepare(range)
    }
    this.#send()
    if (!this.#over && this.#plan.complete) this.#finish()
  }

  /** Gets the bytes of `range`: once more, or from the source. */
  #prepare(range: WriteRange): void {
    const job: Job = { range, buffer: this.#buffers.take(range.length), filled: false, sent: undefined }
    const into = job.buffer.subarray(headroom, headroom + range.length)
    this.#line.push(job)
    if (this.#again(range, into)) {
      job.filled = true
      return
    }
    this.#reading++
    let within = true
    this.#options.source.read(range.offset, into, (error, count) => {
      this.#reading--
      if (this.#over) return
      if (error !== undefined) this.#stop(error)
      else this.#filled(job, count)
      // A source that answers at once is asked for more by whoever asked it.
      if (!within) this.#fill()
    })
    within = false
  }

  #again({ offset, length }: WriteRange, into: Uint8Array): boolean {
    const at = this.#refused.findIndex(each => each.offset <= offset && offset < each.offset + each.bytes.length)
    if (at < 0) return false
    const kept = this.#refused[at]
    into.set(kept.bytes.subarray(offset - kept.offset, offset - kept.offset + length))
    if (offset + length >= kept.offset + kept.bytes.length) this.#refused.splice(at, 1)
    return true
  }

  #filled(job: Job, count: number): void {
    if (count < job.range.length) {
      if (this.#plan.end !== undefined) {
        this.#stop(changed(this.#options.from, 'became shorter'))
        return
      }
      const rest = this.#plan.ended(job.range, count)
      this.#use(count - job.range.length)
      if (rest === undefined) {
        this.#line.splice(this.#line.indexOf(job), 1)
        return
      }
      job.range = rest
    }
    job.filled = true
  }

  #send(): void {
    const { sparse = false } = this.#options
    while (!this.#over && this.#line[0]?.filled === true) {
      const file = this.#free()
      if (file === undefined) {
        this.#waitForRoom()
        return
      }
      const job = this.#line[0]
      this.#line.shift()
      const { offset, length } = job.range
      if (sparse && isZero(job.buffer.subarray(headroom, headroom + length))) {
        this.#plan.skipped(job.range)
        this.#use(-length)
        this.#moved(length)
        this.#buffers.give(job.buffer)
        continue
      }
      this.#highest = Math.max(this.#highest, offset + length)
      const now = this.#clock.now()
      if (this.#sent.size === 0) this.#lastSign = now
      const id = file.write(offset, job.buffer, headroom, length, error => this.#answered(job, error))
      job.sent = { file, id, departure: this.#allowance.depth.depart(now) }
      this.#sent.add(job)
      this.#sentBytes += length
    }
  }

  /** The next channel that has room. */
  #free(): RemoteFile | undefined {
    const { length } = this.#files
    for (let i = 0; i < length; i++) {
      const file = this.#files[this.#turn++ % length]
      if (!file.full) return file
    }
    return undefined
  }

  #waitForRoom(): void {
    this.#askMore()
    for (const file of this.#files) {
      // Once for each: what is not called yet need not be registered again.
      if (this.#awaited.has(file)) continue
      this.#awaited.add(file)
      file.whenRoom(() => {
        this.#awaited.delete(file)
        if (!this.#over) this.#fill()
      })
    }
  }

  /** Asks for more channels, where a long way could carry clearly more than the windows let through. */
  #askMore(): void {
    const { more, source } = this.#options
    const { depth } = this.#allowance
    if (more === undefined || !this.#wantsMore) return
    const roundTrip = depth.shortest > 0 ? depth.shortest : more.roundTrip
    const left = source.size === undefined ? Number.POSITIVE_INFINITY : source.size - this.#highest
    if (roundTrip < longWay || left < worthwhile || this.#sentBytes * 1.4 > depth.bytes) return
    this.#wantsMore = false
    // All together: each takes a few times there and back.
    const window = this.#sentBytes / this.#files.length
    const useful = Math.ceil(this.#bounds.inFlight / Math.max(window, 1)) - this.#files.length
    const opening = more.open(Math.min(useful, Math.floor(left / worthwhile)))
    this.#join(opening)
    if (opening.length === 0) return
    void Promise.all(opening).then(() => {
      // What they bring shows only after a while.
      this.#cancelLook = this.#clock.after(2 * roundTrip, () => {
        this.#wantsMore = true
      })
    })
  }

  #join(opening: readonly Promise<RemoteFile | undefined>[]): void {
    for (const each of opening) {
      void each.then(file => {
        if (file === undefined || this.#over) return
        this.#files.push(file)
        this.#allowance.depth.widen(usualWindow)
        this.#fill()
      })
    }
  }

  #answered(job: Job, error: Error | undefined): void {
    if (!this.#sent.delete(job) || this.#over) return
    const now = this.#clock.now()
    this.#lastSign = now
    this.#use(-job.range.length)
    this.#sentBytes -= job.range.length
    if (error === undefined) {
      const { length } = job.range
      this.#plan.written(job.range)
      if (job.sent !== undefined) this.#allowance.depth.arrive(now, job.sent.departure, length, this.#allowance.filled)
      this.#buffers.give(job.buffer)
      this.#moved(length)
    } else if (job.sent !== undefined && this.#gone(job.sent.file)) this.#lost(job)
    else this.#failed(job, error, mayPass(error))
    this.#fill()
  }

  #failed(job: Job, error: Error, transient: boolean): void {
    if (!this.#plan.failed(job.range, transient)) {
      this.#stop(error)
      return
    }
    this.#keep(job)
  }

  /**
   * A write on the channel has failed, or had no answer. Says whether it is one that only helps: then it goes on without, and what is
   * wrong shows on the first one, if it is not that channel.
   */
  #gone(file: RemoteFile): boolean {
    const at = this.#files.indexOf(file)
    if (at > 0) this.#files.splice(at, 1)
    return file !== this.#options.files[0]
  }

  /** Another channel has to do it. */
  #lost(job: Job): void {
    this.#plan.lost(job.range)
    this.#keep(job)
  }

  /** What `job` was to write is sent again from here. */
  #keep({ range: { offset, length }, buffer }: Job): void {
    // The buffer is not used again: the pipe may not have let go of it.
    this.#refused.push({ offset, bytes: buffer.subarray(headroom, headroom + length) })
  }

  #moved(count: number): void {
    try {
      this.#options.onBytes?.(count)
    } catch (thrown) {
      this.#stop(thrown)
    }
  }

  /** Sees to it that a server which has fallen silent is not waited for for ever. */
  #watch(): void {
    const { stallTimeout } = this.#bounds
    if (stallTimeout === 0 || this.#over) return
    const silent = this.#clock.now() - this.#lastSign
    const left = this.#sent.size === 0 ? stallTimeout : stallTimeout - silent
    if (left <= 0) this.#stalled(stallTimeout)
    this.#cancelTimer = this.#over ? undefined : this.#clock.after(left <= 0 ? stallTimeout : left, () => this.#watch())
  }

  #stalled(stallTimeout: number): void {
    const error = new TimeoutError(
      'transfer',
      `The server has answered no write to ${shownPath(this.#options.path)} for ${stallTimeout / 1000} seconds.`,
    )
    this.#lastSign = this.#clock.now()
    for (const job of [...this.#sent]) {
      job.sent?.file.cancel(job.sent.id)
      this.#sent.delete(job)
      this.#use(-job.range.length)
      this.#sentBytes -= job.range.length
      if (this.#over) continue
      if (job.sent !== undefined && this.#gone(job.sent.file)) this.#lost(job)
      // One that is alone has been sent again already.
      else this.#failed(job, error, !job.range.alone)
    }
    this.#fill()
  }

  #use(count: number): void {
    this.#used += count
    this.#allowance.used += count
  }

  #finish(): void {
    const end = this.#plan.end ?? 0
    this.#end()
    this.#outcome.resolve({ end, hollow: this.#highest < end })
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
    this.#cancelLook?.()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    for (const { sent } of this.#sent) sent?.file.cancel(sent.id)
    this.#use(-this.#used)
    this.#sent.clear()
    this.#line.length = 0
    this.#refused.length = 0
  }
}

/**
 * Writes a source to the server, and resolves when every byte was acknowledged. Rejects when one cannot be written or the source
 * cannot be read; the file may then have holes. No write is under way any more either way, as far as the server was heard.
 */
export const storeFile = (options: StoreOptions): Promise<Stored> => new Store(options).run()

// Owns what all files of one transfer share: channels, bounds, what was found out about the server, progress, notes; and how the
// options become these. Knows neither direction.
import { type Clock, systemClock } from '../../io/clock.ts'
import { type Allowance, allowanceOf } from './depth.ts'
import { type Bounds, defaultBounds } from './fetch.ts'
import type { LocalFiles } from './local.ts'
import type { TransferNote, TransferOptions, TransferResult, TreeOptions } from './options.ts'
import { Pace } from './pace.ts'
import { type Patience, patientRemote } from './patience.ts'
import { Progress } from './progress.ts'
import type { ReadHabits } from './read-plan.ts'
import type { Remote, RemoteFile } from './remote.ts'
import type { WriteHabits } from './write-plan.ts'

/** What was found out about a server; kept as long as the session. */
export interface Habits {
  readonly read: ReadHabits
  readonly write: WriteHabits
  /** Files it has open at once, at most. */
  handles: number
  /** It cannot replace a file by a rename. */
  plainRename: boolean
  /** It has said what it takes, or will not. */
  heard: boolean
}

export const habitsOf = (remote: Remote): Habits => ({
  read: { serial: false, request: remote.limits.read },
  write: { serial: false, request: remote.limits.write },
  // Some are for those of the tool that is used at the same time.
  handles: Math.max(1, (remote.limits.handles ?? 1024) - 4),
  plainRename: false,
  heard: false,
})

/** Takes over what the server has said it takes, the first time: later more may have been found out. */
export const learnLimits = (habits: Habits, remote: Remote): void => {
  if (habits.heard) return
  const { read, write, handles } = habitsOf(remote)
  habits.heard = true
  habits.read.request = read.request
  habits.write.request = write.request
  habits.handles = handles
}

/** Files up to this go over one channel, and many at a time; larger ones over all, few at a time. */
export const largeFile = 1024 * 1024

const maximumNotes = 1000

/** Milliseconds from which on a way counts as long. */
export const longWay = 20
/** The same where nothing but the opening of the channel says so, which takes a busy machine a while too. */
const surelyLong = 40
/** Bytes that take a while through the window of one channel over a long way. */
const surelyLarge = 32 * 1024 * 1024
/** Bytes for which another channel is worth its while. */
export const worthwhile = 8 * 1024 * 1024

export interface MovingOptions {
  readonly remotes: readonly Remote[]
  /** Begins to open up to so many more channels, as `Channels.open`. */
  readonly more?: ((count: number) => readonly Promise<Remote | undefined>[]) | undefined
  /** Milliseconds something short took there and back. */
  readonly roundTrip?: number | undefined
  readonly local: LocalFiles | undefined
  readonly habits: Habits
  /** Until they are what the server said. */
  readonly known?: Promise<void>
  readonly options: TreeOptions
  readonly clock?: Clock
}

const positive = (name: string, value: number | undefined, most: number): void => {
  if (value !== undefined && !(value > 0 && value <= most))
    throw new TypeError(`${name} must be more than 0 and at most ${most}, not ${value}`)
}

export class Moving {
  readonly remotes: Remote[]
  readonly #more: ((count: number) => readonly Promise<Remote | undefined>[]) | undefined
  readonly #patience: Patience
  /** Channels that are being opened, and become `remotes`. None rejects. */
  readonly coming = new Set<Promise<Remote | undefined>>()
  #reinforced = false
  /** Milliseconds something short took there and back, as little as was seen: the way is no longer. */
  roundTrip: number
  /** Resolves when `habits` are what the server said. */
  readonly known: Promise<void>
  readonly options: TreeOptions
  readonly habits: Habits
  readonly read: ReadHabits
  readonly write: WriteHabits
  readonly bounds: Bounds
  #allowance: Allowance | undefined
  readonly pace: Pace
  readonly clock: Clock
  readonly progress: Progress
  /** What ends all of it: the caller's, or one that does for other reasons too. */
  signal: AbortSignal | undefined
  readonly #local: LocalFiles | undefined
  readonly #notes: TransferNote[] = []
  #turn = 0
  directories = 0
  files = 0
  resumed = 0
  verified: 'hash' | 'content' | undefined

  constructor({ remotes, more, roundTrip = 0, local, habits, known, options, clock = systemClock }: MovingOptions) {
    const { requestSize = Number.POSITIVE_INFINITY, limit } = options
    positive('limit', limit, Number.MAX_VALUE)
    positive('inFlight', options.inFlight, Number.MAX_SAFE_INTEGER)
    positive('requests', options.requests, 65_536)
    positive('requestSize', options.requestSize, Number.MAX_SAFE_INTEGER)
    positive('concurrency', options.concurrency, 65_536)
    const milliseconds = options.stallTimeout ?? defaultBounds.stallTimeout
    this.#patience = { clock, milliseconds }
    this.remotes = remotes.map(each => patientRemote(each, this.#patience))
    this.#more = more
    this.roundTrip = roundTrip
    this.known = known ?? Promise.resolve()
    // Whoever waits for it hears of it.
    this.known.catch(() => {})
    this.options = options
    this.habits = habits
    this.#local = local
    // A slow transfer is made of pieces that take no longer than a good part of a second.
    const most = Math.max(1, Math.min(requestSize, limit === undefined ? Number.POSITIVE_INFINITY : Math.max(4096, limit / 4)))
    this.read = capped(habits.read, most)
    this.write = capped(habits.write, most)
    this.bounds = {
      inFlight: options.inFlight ?? defaultBounds.inFlight,
      requests: options.requests ?? defaultBounds.requests,
      stallTimeout: milliseconds,
    }
    this.pace = new Pace(limit)
    this.clock = clock
    this.progress = new Progress(options.onProgress, clock)
    this.signal = options.signal
  }

  /** The answer to a first question, which is asked while the server says what it takes. */
  async first<T>(question: Promise<T>): Promise<T> {
    const began = this.clock.now()
    const answered = question.finally(() => this.took(this.clock.now() - began))
    const [answer] = await Promise.all([answered, this.known])
    return answer
  }

  /** Of all files together. */
  get allowance(): Allowance {
    // A request can be as large as the server has said.
    this.#allowance ??= allowanceOf(this.bounds.inFlight, Math.max(this.read.request, this.write.request), this.isFar)
    return this.#allowance
  }

  /** Something short took so many milliseconds there and back. */
  took(milliseconds: number): void {
    this.roundTrip = this.roundTrip === 0 ? milliseconds : Math.min(this.roundTrip, milliseconds)
  }

  /** Whether much should be under way from the beginning. */
  get isFar(): boolean {
    return this.roundTrip >= longWay
  }
  /** Whether more channels can be opened. */
  get canGrow(): boolean {
    return this.#more !== undefined
  }

  /** Opens more channels at once for `bytes` that are to go up, where they are many and the way is surely long. */
  reinforce(bytes: number | undefined): void {
    if (this.roundTrip < surelyLong || (bytes ?? 0) < surelyLarge || this.#reinforced) return
    this.#reinforced = true
    this.grow(Math.floor((bytes ?? 0) / worthwhile))
  }

  /** Begins to open up to `count` more channels, which become some of `remotes`. */
  grow(count: number): readonly Promise<Remote | undefined>[] {
    return (this.#more?.(count) ?? []).map(opening => {
      const joined: Promise<Remote | undefined> = opening.then(another => {
        this.coming.delete(joined)
        if (another === undefined) return undefined
        const patient = patientRemote(another, this.#patience)
        this.remotes.push(patient)
        return patient
      })
      this.coming.add(joined)
      return joined
    })
  }

  /** The channels a file of so many bytes goes over. */
  channelsFor(size: number): readonly Remote[] {
    if (this.remotes.length === 1 || size > largeFile) return this.remotes
    return [this.remotes[this.#turn++ % this.remotes.length]]
  }

  get remote(): Remote {
    return this.remotes[0]
  }
  /** Throws where there is no file system. */
  get local(): LocalFiles {
    if (this.#local === undefined) throw new TypeError('this runtime has no files: give bytes or a stream, not a path')
    return this.#local
  }

  note(note: TransferNote): void {
    if (this.#notes.length < maximumNotes) this.#notes.push(note)
  }

  result(): TransferResult {
    this.progress.finish()
    return {
      files: this.files,
      directories: this.directories,
      bytes: this.progress.done,
      resumed: this.resumed,
      notes: this.#notes,
      verified: this.verified,
    }
  }
}

/** A view of the habits in which no request is larger than `most`; what is learned reaches the habits. */
const capped = (habits: { serial: boolean; request: number }, most: number): { serial: boolean; request: number } =>
  most >= habits.request
    ? habits
    : {
        get serial() {
          return habits.serial
        },
        set serial(value: boolean) {
          habits.serial = value
        },
        get request() {
          return Math.min(most, habits.request)
        },
        set request(value: number) {
          if (value < most) habits.request = value
        },
      }

/** Closes files of which nothing more is expected: their answers are of no interest. */
export const closeQuietly = (files: readonly RemoteFile[]): void => {
  for (const file of files) file.close().catch(() => {})
}

/** Permissions of a new file, when they are not those of any. `permissions`: those of the source. */
export const modeOf = ({ mode, preserve }: TransferOptions, permissions: number | undefined): number | undefined => {
  if (typeof mode === 'number') return mode
  return (mode === 'source' || preserve === true) && permissions !== undefined ? permissions & 0o777 : undefined
}

const hexadecimal = (value: number): string => (value >>> 0).toString(16).padStart(8, '0')

/** FNV-1a, twice with different beginnings: names of one folder are told apart, nothing more is asked of it. */
const digestOf = (name: string): string => {
  let [a, b] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x01000193)
    b = Math.imul(b ^ (unit + 0x9e37), 0x85ebca6b)
  }
  return hexadecimal(a) + hexadecimal(b)
}

/** Drawn many at a time: one draw costs more than all the rest of a name. */
const chance = new Uint32Array(256)
let used = chance.length

/** The name a file has until it is complete. `lasting`: always the same for `name`, so that a later try finds it. */
export const temporaryName = (name: string, lasting: boolean): string => {
  if (lasting) return `.nacre-${digestOf(name)}.part`
  if (used === chance.length) {
    crypto.getRandomValues(chance)
    used = 0
  }
  const [a, b] = [chance[used++], chance[used++]]
  return `.nacre-${hexadecimal(a)}${hexadecimal(b)}.part`
}

// Owns one open file at this end in Node: reads at any place, writes gathered in order, hashes. Knows neither folders nor servers.
import { timeForNode } from '../files/stats-node.ts'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { performance } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { type Attributes, timeFromSeconds, typeOfMode } from '../attributes.ts'
import { isZero } from './ends.ts'
import type { Haste } from './haste-node.ts'
import type { LocalFile } from './local.ts'
import { hashNames, type TransferHash } from './remote.ts'

const later = {
  fstat: promisify(fs.fstat),
  fchmod: promisify(fs.fchmod),
  futimes: promisify(fs.futimes),
  ftruncate: promisify(fs.ftruncate),
  fsync: promisify(fs.fsync),
  close: promisify(fs.close),
}

/** Bytes that go to the disk in one call. */
const enough = 2 * 1024 * 1024
const maximumVectors = 64
/** Zeros are looked for in blocks of this. */
const block = 32 * 1024
const hashedAtOnce = 512 * 1024

interface Waiting {
  readonly offset: number
  readonly bytes: Uint8Array
  /** `undefined` for all but the last piece of what one call gave. */
  readonly done: ((error: Error | undefined) => void) | undefined
}

/** What Node knows of a file. */
export const attributesOfStats = (stats: fs.Stats): Attributes => ({
  type: typeOfMode(stats.mode) ?? 'unknown',
  size: stats.size,
  uid: stats.uid,
  gid: stats.gid,
  permissions: stats.mode & 0o7777,
  accessed: timeFromSeconds(stats.atimeMs / 1000),
  modified: timeFromSeconds(stats.mtimeMs / 1000),
  links: stats.nlink,
})

export class LocalNodeFile implements LocalFile {
  readonly sequential = false
  /** As it was when it was opened. */
  readonly opened: Attributes
  readonly #descriptor: number
  readonly #shown: string
  readonly #sparse: boolean
  readonly #haste: Haste
  #waiting: Waiting[] = []
  #writing = false
  #failed: Error | undefined
  #idle: (() => void) | undefined
  #closed = false
  /** Reads that are under way: a descriptor is not closed under them. */
  #reading = 0

  private constructor(descriptor: number, shown: string, sparse: boolean, haste: Haste, opened: Attributes) {
    this.#descriptor = descriptor
    this.#shown = shown
    this.#sparse = sparse
    this.#haste = haste
    this.opened = opened
  }

  static async opened(descriptor: number, shown: string, sparse: boolean, haste: Haste): Promise<LocalNodeFile> {
    try {
      const stats = await haste.do(
        () => fs.fstatSync(descriptor),
        () => later.fstat(descriptor),
      )
      return new LocalNodeFile(descriptor, shown, sparse, haste, attributesOfStats(stats))
    } catch (error) {
      fs.closeSync(descriptor)
      throw error
    }
  }

  get size(): number {
    return this.opened.size ?? 0
  }

  async stat(): Promise<Attributes> {
    return attributesOfStats(
      await this.#haste.do(
        () => fs.fstatSync(this.#descriptor),
        () => later.fstat(this.#descriptor),
      ),
    )
  }

  async setAttributes({ permissions, accessed, modified }: Attributes): Promise<void> {
    const descriptor = this.#descriptor
    if (permissions !== undefined)
      await this.#haste.do(
        () => fs.fchmodSync(descriptor, permissions),
        () => later.fchmod(descriptor, permissions),
      )
    if (modified === undefined) return
    const [access, modification] = [timeForNode(accessed ?? modified), timeForNode(modified)]
    await this.#haste.do(
      () => fs.futimesSync(descriptor, access, modification),
      () => later.futimes(descriptor, access, modification),
    )
  }

  async truncate(size: number): Promise<void> {
    await later.ftruncate(this.#descriptor, size)
  }
  async sync(): Promise<void> {
    await later.fsync(this.#descriptor)
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

  read(offset: number, into: Uint8Array, done: (error: Error | undefined, count: number) => void): void {
    const start = performance.now()
    if (!this.#haste.hasty(start)) {
      this.#readOn(offset, into, 0, done)
      return
    }
    let count = 0
    try {
      for (let more = 1; more > 0 && count < into.length; count += more)
        more = fs.readSync(this.#descriptor, into, count, into.length - count, this.#position(offset + count))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)), 0)
      return
    }
    this.#haste.took(start)
    done(undefined, count)
  }

  /** Files that are none, such as terminals, have no positions. */
  #position(offset: number): number | null {
    return this.opened.type === 'file' ? offset : null
  }

  #readOn(offset: number, into: Uint8Array, had: number, done: (error: Error | undefined, count: number) => void): void {
    this.#reading++
    fs.read(this.#descriptor, into, had, into.length - had, this.#position(offset + had), (error, count) => {
      this.#reading--
      if (this.#closed) this.#idle?.()
      else if (error !== null) done(error, 0)
      else if (count === 0 || had + count === into.length) done(undefined, had + count)
      else this.#readOn(offset, into, had + count, done)
    })
  }

  get hashes(): readonly TransferHash[] {
    return hashNames
  }

  async hash(name: TransferHash, length: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const hash = createHash(name)
    const buffer = new Uint8Array(hashedAtOnce)
    for (let at = 0; at < length;) {
      signal?.throwIfAborted()
      const count = await new Promise<number>((resolve, reject) => {
        this.#readOn(at, buffer.subarray(0, Math.min(hashedAtOnce, length - at)), 0, (error, got) =>
          error === undefined ? resolve(got) : reject(error),
        )
      })
      if (count === 0) break
      hash.update(buffer.subarray(0, count))
      at += count
    }
    return new Uint8Array(hash.digest())
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  write(offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    if (this.#sparse) this.#pieces(offset, bytes, done)
    else if (!this.#writing && this.#waiting.length === 0 && this.#failed === undefined) {
      const start = performance.now()
      if (this.#haste.hasty(start)) {
        this.#writeNow(offset, bytes, done, start)
        return
      }
      this.#waiting.push({ offset, bytes, done })
    } else this.#waiting.push({ offset, bytes, done })
    this.#flush()
  }

  #writeNow(offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void, start: number): void {
    let failure: Error | undefined
    try {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(this.#descriptor, bytes, at, bytes.length - at, this.#position(offset + at))
    } catch (error) {
      failure = this.#told(error)
    }
    this.#haste.took(start)
    queueMicrotask(() => done(failure))
  }

  /** Leaves out blocks of zeros. */
  #pieces(offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    let from = -1
    for (let at = 0; at < bytes.length; at += block) {
      const zero = isZero(bytes.subarray(at, at + block))
      if (!zero && from < 0) from = at
      if (!zero || from < 0) continue
      this.#waiting.push({ offset: offset + from, bytes: bytes.subarray(from, at), done: undefined })
      from = -1
    }
    const rest = from < 0 ? bytes.subarray(bytes.length) : bytes.subarray(from)
    this.#waiting.push({ offset: offset + bytes.length - rest.length, bytes: rest, done })
  }

  #flush(): void {
    if (this.#writing || this.#waiting.length === 0) return
    this.#writing = true
    const first = this.#waiting[0]
    let count = 1
    let total = first.bytes.length
    while (count < Math.min(this.#waiting.length, maximumVectors) && total < enough) {
      const next = this.#waiting[count]
      if (next.offset !== first.offset + total) break
      total += next.bytes.length
      count++
    }
    const taken = this.#waiting.splice(0, count)
    const settled = (error: Error | undefined): void => {
      this.#writing = false
      this.#failed ??= error
      for (const each of taken) each.done?.(this.#failed)
      if (this.#closed) this.#idle?.()
      else this.#flush()
    }
    if (total === 0 || this.#failed !== undefined) queueMicrotask(() => settled(this.#failed))
    else
      this.#writeVectors(
        taken.map(each => each.bytes),
        first.offset,
        total,
        settled,
      )
  }

  #writeVectors(vectors: readonly Uint8Array[], offset: number, left: number, settled: (error: Error | undefined) => void): void {
    fs.writev(this.#descriptor, vectors, this.#position(offset), (error, written) => {
      if (error !== null) settled(this.#told(error))
      else if (written === left) settled(undefined)
      else this.#writeVectors(dropped(vectors, written), offset + written, left - written, settled)
    })
  }

  #told(error: unknown): Error {
    if (!(error instanceof Error)) return new Error(String(error), { cause: error })
    error.message = `${error.message} (${this.#shown})`
    return error
  }

  /** What waits to be written is dropped, what is under way is waited for. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#waiting = []
    if (this.#writing || this.#reading > 0) {
      await new Promise<void>(resolve => {
        this.#idle = () => {
          if (!this.#writing && this.#reading === 0) resolve()
        }
      })
    }
    await this.#haste.do(
      () => fs.closeSync(this.#descriptor),
      () => later.close(this.#descriptor),
    )
  }
}

/** `vectors` without their first `count` bytes. */
const dropped = (vectors: readonly Uint8Array[], count: number): Uint8Array[] => {
  const rest: Uint8Array[] = []
  let skip = count
  for (const each of vectors) {
    if (skip < each.length) rest.push(skip === 0 ? each : each.subarray(skip))
    skip = Math.max(0, skip - each.length)
  }
  return rest
}

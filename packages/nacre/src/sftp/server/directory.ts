// Owns reading a directory for a client: batches of entries as they come become answers as full as they may be, and the next
// batch is asked for ahead. Knows the files' interface, not its entries' whereabouts.
import { bytesOfName } from '../names.ts'
import type { FileEntry, Listing, MaybePromise } from '../files.ts'
import type { Writer } from '../../wire/writer.ts'
import { LongNames } from './long-name.ts'
import type { Principals } from './principals.ts'
import type { Reply } from './reply.ts'

/** Bytes of an answer at most: clients of old take no more than about 80,000. */
const largestAnswer = 64 * 1024

/** So many entries fill an answer, more or less: asking ahead goes on until there are as many. */
const enough = 400

/** What was asked for ahead. */
interface Fetched {
  readonly entries: readonly FileEntry[]
  /** What comes after these entries. */
  readonly next: 'more' | 'end' | 'error'
  readonly error: unknown
}

export interface DirectoryHost {
  readonly reply: Reply
  readonly principals: Principals
  /** Something of it is done. */
  progressed(): void
}

const utf8 = new TextEncoder()

const writeName = (writer: Writer, name: string): void => {
  if (!name.isWellFormed()) {
    writer.string(bytesOfName(name))
    return
  }
  // No character takes more than three bytes for each of its units.
  writer.reserve(4 + 3 * name.length)
  const { written } = utf8.encodeInto(name, writer.bytes.subarray(writer.offset + 4))
  writer.uint32(written)
  writer.offset += written
}

export class OpenDirectory {
  readonly path: string
  readonly #listing: Listing
  number = -1
  closing = false
  readonly #host: DirectoryHost
  /** READDIRs that wait for their turn, and what is to be done after them. */
  readonly #waiting: (() => void)[] = []
  #busy = false
  #entries: readonly FileEntry[] = []
  #at = 0
  /** What comes when the entries are used up. */
  #next: Fetched['next'] = 'more'
  #error: unknown
  #ahead: MaybePromise<Fetched> | undefined
  #longNames: LongNames | undefined

  constructor(host: DirectoryHost, path: string, listing: Listing) {
    this.#host = host
    this.path = path
    this.#listing = listing
  }

  get idle(): boolean {
    return !this.#busy && this.#waiting.length === 0
  }

  /** Answers a READDIR. */
  read(id: number): void {
    this.#inTurn(() => this.#read(id))
  }

  /** Has `run` done after the READDIRs that came before. */
  alone(run: () => Promise<void> | undefined): void {
    this.#inTurn(() => {
      const doing = run()
      if (doing === undefined) this.#end()
      else void doing.then(() => this.#end())
    })
  }

  /** Closes the listing once nothing asks it any more. */
  close(): MaybePromise<void> {
    const ahead = this.#ahead
    this.#ahead = undefined
    return ahead instanceof Promise ? ahead.then(() => this.#listing.close()) : this.#listing.close()
  }

  #inTurn(step: () => void): void {
    if (this.#busy) {
      this.#waiting.push(step)
      return
    }
    this.#busy = true
    step()
  }

  #end(): void {
    const next = this.#waiting.shift()
    if (next !== undefined) next()
    else {
      this.#busy = false
      this.#host.progressed()
    }
  }

  /** The next entries, at least `wanted` if there are as many; it never throws. */
  #fetch(wanted: number): MaybePromise<Fetched> {
    const entries: FileEntry[] = []
    const failed = (error: unknown): Fetched => ({ entries, next: 'error', error })
    const ended: Fetched = { entries, next: 'end', error: undefined }
    try {
      while (entries.length < wanted) {
        const next = this.#listing.next()
        if (next instanceof Promise) return this.#fetchOn(entries, next, wanted).catch(failed)
        if (next === undefined) return this.#learned(ended)
        for (const each of next) entries.push(each)
      }
      return this.#learned({ entries, next: 'more', error: undefined })
    } catch (error) {
      return failed(error)
    }
  }

  async #fetchOn(entries: FileEntry[], first: MaybePromise<readonly FileEntry[] | undefined>, wanted: number): Promise<Fetched> {
    for (let next = await first; ; next = await this.#listing.next()) {
      if (next === undefined) return await this.#learned({ entries, next: 'end', error: undefined })
      for (const each of next) entries.push(each)
      if (entries.length >= wanted || this.closing) return await this.#learned({ entries, next: 'more', error: undefined })
    }
  }

  #learned(fetched: Fetched): MaybePromise<Fetched> {
    const learning = this.#host.principals.learn(fetched.entries.map(each => each.attributes))
    return learning instanceof Promise ? learning.then(() => fetched) : fetched
  }

  #read(id: number): void {
    if (this.#at < this.#entries.length || this.#next !== 'more') {
      this.#answer(id)
      return
    }
    const fetched = this.#ahead ?? this.#fetch(1)
    this.#ahead = undefined
    if (fetched instanceof Promise) void fetched.then(each => this.#take(id, each))
    else this.#take(id, fetched)
  }

  #take(id: number, fetched: Fetched): void {
    this.#entries = fetched.entries
    this.#at = 0
    this.#next = fetched.next
    this.#error = fetched.error
    this.#answer(id)
  }

  #answer(id: number): void {
    const { reply } = this.#host
    if (this.#at === this.#entries.length && this.#next === 'error') {
      // A client that asks again is told the same.
      reply.refuse(id, this.#error)
    } else {
      try {
        reply.names(id, writer => this.#write(writer))
      } catch (error) {
        this.#entries = []
        this.#at = 0
        this.#next = 'error'
        this.#error = error
        reply.refuse(id, error)
      }
    }
    if (this.#at === this.#entries.length && this.#next === 'more' && !this.closing) this.#ahead ??= this.#fetch(enough)
    this.#end()
  }

  #write(writer: Writer): number {
    const { reply, principals } = this.#host
    const { version, attributes: codec } = reply.version
    this.#longNames ??= new LongNames(Math.floor(Date.now() / 1000))
    const end = writer.offset + largestAnswer
    let count = 0
    while (this.#at < this.#entries.length) {
      const { name, attributes } = this.#entries[this.#at]
      const before = writer.offset
      writeName(writer, name)
      if (version === 3) {
        writeName(writer, this.#longNames.of(name, attributes, principals.owner(attributes), principals.group(attributes)))
        codec.write(writer, attributes)
      } else codec.write(writer, principals.named(attributes))
      if (writer.offset > end && count > 0) {
        writer.offset = before
        break
      }
      this.#at++
      count++
    }
    return count
  }
}

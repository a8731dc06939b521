// Owns the bytes of an scp conversation: reading them one by one, by lines and in bulk, holding the other side back, and the
// answers both sides give: one byte for yes, a line for an error. Knows no records and no files.
import { escapeForPeople, ScpError, SftpError } from '../errors.ts'
import type { BytePipe, PipeTap } from '../sftp/pipe.ts'
import { bytesOfName, nameFromBytes } from '../sftp/names.ts'
import { reasonOf } from './reasons.ts'

/** Longest line either side may send, in bytes: a name may be 255 bytes, a message holds a path. */
const maximumLine = 16 * 1024
/** Bytes that may wait unread before the other side is held back. */
const maximumWaiting = 64 * 1024

const lineFeed = 0x0a
const yes = Uint8Array.of(0)
export const warning = 1
export const fatal = 2

export const cutOff = (cause?: Error): ScpError =>
  new ScpError('SCP_CUT_OFF', 'The connection was lost before the copy was done.', cause === undefined ? {} : { cause })

export class Conversation implements PipeTap {
  readonly #pipe: BytePipe
  readonly #report: (message: string) => void
  #chunks: Uint8Array[] = []
  #waiting = 0
  /** Where bytes go without waiting in `#chunks`, and how many of them have come. */
  #into: Uint8Array | undefined
  #filled = 0
  #ended: { readonly error: Error | undefined } | undefined
  #wake: (() => void) | undefined
  #room: PromiseWithResolvers<void> | undefined
  /** What went wrong so far, on either side. */
  errors = 0
  /** The last error of the other side, as it was reported. */
  complaint = ''
  /** The first thing files threw that is no `SftpError`: a fault of ours, for whoever runs this. */
  #unexpected: { readonly error: unknown } | undefined

  /** `report` is told each error, ours and theirs, as a sentence that is safe to show. */
  constructor(pipe: BytePipe, report: (message: string) => void) {
    this.#pipe = pipe
    this.#report = report
    pipe.tap(this)
  }

  // ── from the pipe ─────────────────────────────────────────────────────────────────────────────────────────────────

  data(bytes: Uint8Array, detached: boolean): Promise<void> | undefined {
    let left = bytes
    if (this.#into !== undefined) {
      const count = Math.min(left.length, this.#into.length - this.#filled)
      this.#into.set(left.subarray(0, count), this.#filled)
      this.#filled += count
      left = left.subarray(count)
      if (this.#filled === this.#into.length) {
        this.#into = undefined
        this.#wake?.()
      }
    }
    if (left.length === 0) return undefined
    this.#chunks.push(detached ? left : left.slice())
    this.#waiting += left.length
    this.#wake?.()
    if (this.#waiting <= maximumWaiting) return undefined
    return (this.#room ??= Promise.withResolvers<void>()).promise
  }

  end(error?: Error): void {
    this.#ended ??= { error }
    this.#wake?.()
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async #something(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  #taken(count: number): void {
    this.#waiting -= count
    if (this.#waiting > maximumWaiting || this.#room === undefined) return
    this.#room.resolve()
    this.#room = undefined
  }

  /** The next byte; `undefined` when the other side sends no more. */
  async byte(): Promise<number | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#ended !== undefined) {
        if (this.#ended.error !== undefined) throw cutOff(this.#ended.error)
        return undefined
      }
      await this.#something()
    }
    const value = this.#chunks[0][0]
    if (this.#chunks[0].length === 1) this.#chunks.shift()
    else this.#chunks[0] = this.#chunks[0].subarray(1)
    this.#taken(1)
    return value
  }

  /** What is left of a line, without its end. Throws `ScpError` for one that is too long or has no end. */
  async line(): Promise<Uint8Array> {
    const bytes: number[] = []
    for (;;) {
      const next = await this.byte()
      if (next === undefined) throw cutOff()
      if (next === lineFeed) return Uint8Array.from(bytes)
      if (bytes.length >= maximumLine) throw new ScpError('SCP_PROTOCOL', `The other side sent a line of more than ${maximumLine} bytes.`)
      bytes.push(next)
    }
  }

  /** Fills `into`. Throws `ScpError` when the other side ends before that. */
  async fill(into: Uint8Array): Promise<void> {
    let filled = 0
    while (filled < into.length && this.#chunks.length > 0) {
      const [chunk] = this.#chunks
      const count = Math.min(chunk.length, into.length - filled)
      into.set(chunk.subarray(0, count), filled)
      filled += count
      if (count === chunk.length) this.#chunks.shift()
      else this.#chunks[0] = chunk.subarray(count)
      this.#taken(count)
    }
    if (filled === into.length) return
    this.#into = into
    this.#filled = filled
    while (this.#into !== undefined) {
      if (this.#ended !== undefined) {
        this.#into = undefined
        throw cutOff(this.#ended.error)
      }
      await this.#something()
    }
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends bytes, which must not change until it settles. Throws `ScpError` when the other side is gone. */
  async send(bytes: Uint8Array): Promise<void> {
    try {
      await this.#pipe.write(bytes)
    } catch (error) {
      throw cutOff(error instanceof Error ? error : undefined)
    }
  }

  /** Nothing more from us. */
  finish(): void {
    this.#pipe.end()
  }

  abort(): void {
    this.#pipe.abort()
  }

  /** Why files could not do what was asked of them. */
  reason(error: unknown): string {
    if (error instanceof SftpError) return reasonOf(error)
    this.#unexpected ??= { error }
    return 'internal error'
  }

  /** Throws what files should not have thrown. */
  throwUnexpected(): void {
    if (this.#unexpected !== undefined) throw this.#unexpected.error
  }

  // ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

  async agree(): Promise<void> {
    await this.send(yes)
  }

  /** Tells the other side and our own that something did not work; the copy goes on. */
  async fail(message: string): Promise<void> {
    this.errors++
    this.#report(escapeForPeople(message))
    await this.send(bytesOfName(`${String.fromCharCode(warning)}scp: ${escapeForPeople(message)}\n`))
  }

  /** The same, and the copy ends. */
  async refuse(message: string): Promise<never> {
    await this.fail(message)
    throw new ScpError('SCP_PROTOCOL', escapeForPeople(message))
  }

  /** Reads the rest of an error the other side began with `kind`. Throws `ScpError` for one that ends the copy. */
  async heard(kind: number): Promise<void> {
    const message = escapeForPeople(nameFromBytes(await this.line()))
    this.errors++
    this.complaint = message
    this.#report(message)
    if (kind !== warning) throw new ScpError('SCP_REFUSED', message === '' ? 'The other side gave up and did not say why.' : message)
  }

  /** Waits for the other side's answer. True when it agreed. Throws `ScpError` when it gave up or went away. */
  async agreed(): Promise<boolean> {
    const kind = await this.byte()
    if (kind === undefined) throw cutOff()
    if (kind === 0) return true
    if (kind === warning || kind === fatal) {
      await this.heard(kind)
      return false
    }
    // A shell that speaks before the copy begins, or no scp at all.
    const message = escapeForPeople(String.fromCharCode(kind) + nameFromBytes(await this.line()))
    this.errors++
    this.#report(message)
    throw new ScpError('SCP_REFUSED', message)
  }
}

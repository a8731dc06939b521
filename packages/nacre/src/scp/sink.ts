// Owns the receiving side of scp: records become files and directories below one target, whatever names the other side
// sends. Writes to any `Files`: a server's, or the local ones. Knows nothing of command lines.
import type { Attributes } from '../sftp/attributes.ts'
import type { Files, OpenFile } from '../sftp/files.ts'
import { bytesOfName, nameFromBytes } from '../sftp/names.ts'
import { type Conversation, cutOff, fatal, warning } from './conversation.ts'
import { type EntryRecord, isPlainName, readEntry, readTimes, type TimesRecord } from './records.ts'
import { type CopyOptions, maximumPath, type NamedPath } from './source.ts'
import { withoutEndSlashes } from './path-end.ts'

export interface SinkOptions extends CopyOptions {
  /** The target must be a directory (-d). Default false. */
  readonly directory?: boolean
  /** Whether a name was asked for; asked of what lands in the target itself. Default: all were. */
  readonly wanted?: (name: string) => boolean
}

const bufferSize = 256 * 1024
/** Writes that may be under way at once. */
const depth = 4

/** Without -p nobody sends us files that run as somebody else. */
const plainMode = 0o777
const fullMode = 0o7777

/** A place records land in. */
interface Level {
  readonly target: NamedPath
  /** Whether records land inside `target`, or are it. */
  readonly inside: boolean
  readonly nested: boolean
}

const [c, d, e, t] = [0x43, 0x44, 0x45, 0x54]

export class Sink {
  readonly #talk: Conversation
  readonly #files: Files
  readonly #options: SinkOptions
  readonly #buffers: Uint8Array[] = []

  constructor(talk: Conversation, files: Files, options: SinkOptions) {
    this.#talk = talk
    this.#files = files
    this.#options = options
  }

  /** Takes all the other side sends into `target`. Throws `ScpError` when the other side breaks the protocol or goes away. */
  async receive(target: NamedPath): Promise<void> {
    const there = await this.#lookUp(target.path)
    if (this.#options.directory === true && there?.type !== 'directory')
      await this.#talk.refuse(`${target.shown}: ${there === undefined ? 'No such file or directory' : 'Not a directory'}`)
    await this.#level({ target, inside: there?.type === 'directory', nested: false })
  }

  /** What is there, through symbolic links; `undefined` for nothing. */
  async #lookUp(path: string): Promise<Attributes | undefined> {
    try {
      return await this.#files.stat(path, true)
    } catch (error) {
      this.#talk.reason(error)
      return undefined
    }
  }

  async #level(level: Level): Promise<void> {
    await this.#talk.agree()
    let times: TimesRecord | undefined
    for (let first = true; ; first = false) {
      const kind = await this.#talk.byte()
      if (kind === undefined) {
        if (level.nested) throw cutOff()
        return
      }
      if (kind === warning || kind === fatal) {
        await this.#talk.heard(kind)
        continue
      }
      const line = await this.#talk.line()
      this.#options.note?.(`Sink: ${String.fromCharCode(kind)}${nameFromBytes(line)}`)
      if (kind === e && level.nested && line.length === 0) {
        await this.#talk.agree()
        return
      }
      if (kind === t) {
        times = readTimes(line) ?? (await this.#talk.refuse('protocol error: malformed times'))
        await this.#talk.agree()
      } else if (kind === c || kind === d) {
        await this.#entry(level, this.#check(level, readEntry(kind === c ? 'file' : 'directory', line)), times)
        times = undefined
        // A shell that cannot find scp, or greets, says so in its own words.
      } else if (first && !level.nested) await this.#talk.refuse(String.fromCharCode(kind) + nameFromBytes(line))
      else await this.#talk.refuse('protocol error: expected control record')
    }
  }

  /** The record, or what is wrong with it: names that lead elsewhere, and what was not asked for. */
  #check(level: Level, record: EntryRecord | string): EntryRecord | string {
    if (typeof record === 'string') return `protocol error: ${record}`
    if (!isPlainName(record.name)) return `error: unexpected filename: ${record.name}`
    if (!level.nested && this.#options.wanted?.(record.name) === false)
      return `protocol error: filename does not match request: ${record.name}`
    if (record.kind === 'directory' && this.#options.recursive !== true) return 'protocol error: received directory without -r'
    return record
  }

  async #entry(level: Level, record: EntryRecord | string, times: TimesRecord | undefined): Promise<void> {
    if (typeof record === 'string') return void (await this.#talk.refuse(record))
    const { path, shown } = level.target
    const at: NamedPath = level.inside
      ? {
          path: `${path === '/' ? '' : withoutEndSlashes(path, 0)}/${record.name}`,
          shown: `${shown === '/' ? '' : withoutEndSlashes(shown, 0)}/${record.name}`,
        }
      : level.target
    if (bytesOfName(at.path).length > maximumPath) await this.#talk.fail(`${at.shown}: File name too long`)
    else if (record.kind === 'directory') await this.#directory(at, record, times)
    else await this.#file(at, record, times)
  }

  #mode(record: EntryRecord): number {
    return record.mode & (this.#options.preserve === true ? fullMode : plainMode)
  }

  async #directory(at: NamedPath, record: EntryRecord, times: TimesRecord | undefined): Promise<void> {
    const there = await this.#lookUp(at.path)
    const mode = this.#mode(record)
    try {
      if (there === undefined) await this.#files.makeDirectory(at.path, { permissions: mode | 0o700 })
    } catch (error) {
      await this.#talk.fail(`${at.shown}: ${this.#talk.reason(error)}`)
      return
    }
    if (there !== undefined && there.type !== 'directory') {
      await this.#talk.fail(`${at.shown}: Not a directory`)
      return
    }
    await this.#level({ target: at, inside: true, nested: true })
    try {
      // Until all is in it, its owner must be able to write to it; then it is as it should be.
      if (this.#options.preserve === true) await this.#files.setAttributes(at.path, { permissions: mode }, true)
      else if (there === undefined && (mode & 0o700) !== 0o700) await this.#withdraw(at.path, 0o700 & ~mode)
      if (times !== undefined) await this.#files.setAttributes(at.path, timesOf(times), true)
    } catch (error) {
      await this.#talk.fail(`${at.shown}: set attributes: ${this.#talk.reason(error)}`)
    }
  }

  /** Takes permissions away, and leaves those the umask left alone. */
  async #withdraw(path: string, bits: number): Promise<void> {
    const { permissions } = await this.#files.stat(path, true)
    if (permissions !== undefined) await this.#files.setAttributes(path, { permissions: permissions & ~bits }, true)
  }

  async #file(at: NamedPath, record: EntryRecord, times: TimesRecord | undefined): Promise<void> {
    const there = await this.#lookUp(at.path)
    let file: OpenFile
    try {
      file = await this.#files.open(at.path, openForWriting, { permissions: this.#mode(record) })
    } catch (error) {
      await this.#talk.fail(`${at.shown}: ${this.#talk.reason(error)}`)
      return
    }
    let failure: string | undefined
    try {
      await this.#talk.agree()
      failure = await this.#data(file, record)
      if (failure === undefined) failure = await this.#settle(file, record, there, times)
    } finally {
      failure = await this.#closed(file, failure)
    }
    await this.#talk.agreed()
    if (failure === undefined) await this.#talk.agree()
    else await this.#talk.fail(`${at.shown}: ${failure}`)
  }

  /** Reads all that was announced, even when it cannot be kept. Gives what went wrong. */
  async #data(file: OpenFile, record: EntryRecord): Promise<string | undefined> {
    const watch = this.#options.watch?.(record.name, record.size)
    const writing: (Promise<void> | undefined)[] = []
    let failure: string | undefined
    const failed = (error: unknown): void => {
      failure ??= this.#talk.reason(error)
    }
    try {
      for (let position = 0, turn = 0; position < record.size; turn = (turn + 1) % depth) {
        await writing[turn]
        const buffer = (this.#buffers[turn] ??= new Uint8Array(bufferSize)).subarray(0, Math.min(bufferSize, record.size - position))
        await this.#talk.fill(buffer)
        if (failure === undefined) writing[turn] = attempt(() => file.write(position, buffer), failed)
        position += buffer.length
        watch?.moved(position)
      }
    } finally {
      await Promise.all(writing)
      watch?.ended()
    }
    return failure
  }

  /** Length, mode and times, once all is written. */
  async #settle(
    file: OpenFile,
    record: EntryRecord,
    there: Attributes | undefined,
    times: TimesRecord | undefined,
  ): Promise<string | undefined> {
    try {
      if (there?.type === 'file') await file.setAttributes({ size: record.size })
      if (this.#options.preserve === true) await file.setAttributes({ permissions: this.#mode(record) })
      if (times !== undefined) await file.setAttributes(timesOf(times))
      return undefined
    } catch (error) {
      return this.#talk.reason(error)
    }
  }

  async #closed(file: OpenFile, failure: string | undefined): Promise<string | undefined> {
    try {
      await file.close()
      return failure
    } catch (error) {
      return failure ?? this.#talk.reason(error)
    }
  }
}

const timesOf = ({ modified, accessed }: TimesRecord): Attributes => ({
  modified: { seconds: modified, nanoseconds: 0 },
  accessed: { seconds: accessed, nanoseconds: 0 },
})

/** Begins work that may be done at once, and tells of its fault either way. */
const attempt = (work: () => void | Promise<void>, failed: (error: unknown) => void): Promise<void> | undefined => {
  try {
    return work()?.catch(failed)
  } catch (error) {
    failed(error)
    return undefined
  }
}

const openForWriting = {
  read: false,
  write: true,
  append: false,
  create: true,
  exclusive: false,
  truncate: false,
  noFollow: false,
} as const

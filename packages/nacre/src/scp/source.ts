// Owns the sending side of scp: files and directories as records, data and answers, read ahead by one buffer. Reads any
// `Files`: a server's, or the local ones. Knows nothing of command lines.
import type { Attributes } from '../sftp/attributes.ts'
import type { Files, OpenFile } from '../sftp/files.ts'
import { bytesOfName } from '../sftp/names.ts'
import type { Conversation } from './conversation.ts'
import { endLine, entryLineOf, timesLineOf } from './records.ts'
import { withoutEndSlashes } from './path-end.ts'

/** A file or directory, and what it is called in messages: what a person typed. */
export interface NamedPath {
  /** Absolute. */
  readonly path: string
  readonly shown: string
}

/** Watches one file on its way. */
export interface FileWatch {
  /** Bytes of it that have been dealt with so far. */
  moved(bytes: number): void
  ended(): void
}

export interface CopyOptions {
  /** Directories with all that is in them (-r). Default false. */
  readonly recursive?: boolean
  /** Times and all of the mode (-p). Default false. */
  readonly preserve?: boolean
  /** Called for each file whose data begins to move. */
  readonly watch?: (name: string, size: number) => FileWatch
  /** Told what happens, for -v. */
  readonly note?: (text: string) => void
}

const bufferSize = 256 * 1024
/** Bytes of a path at most, as on Linux: what ends a circle of symbolic links. */
export const maximumPath = 4095

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

export class Source {
  readonly #talk: Conversation
  readonly #files: Files
  readonly #options: CopyOptions
  readonly #buffers: Uint8Array[] = []

  constructor(talk: Conversation, files: Files, options: CopyOptions) {
    this.#talk = talk
    this.#files = files
    this.#options = options
  }

  /** Sends one file, or a directory with all that is in it. What cannot be sent is an error of the conversation. */
  async send({ path, shown }: NamedPath): Promise<void> {
    const clean = { path: withoutEndSlashes(path, 1), shown: withoutEndSlashes(shown, 1) }
    let attributes: Attributes
    try {
      attributes = await this.#files.stat(clean.path, true)
    } catch (error) {
      await this.#talk.fail(`${clean.shown}: ${this.#talk.reason(error)}`)
      return
    }
    if (attributes.type === 'directory' && this.#options.recursive === true) await this.#directory(clean, attributes)
    else if (attributes.type === 'file') await this.#file(clean)
    else await this.#talk.fail(`${clean.shown}: not a regular file`)
  }

  /** Sends a line and waits for the answer. */
  async #say(line: Uint8Array, what: string): Promise<boolean> {
    this.#options.note?.(what)
    await this.#talk.send(line)
    return this.#talk.agreed()
  }

  async #times({ modified, accessed }: Attributes): Promise<boolean> {
    if (this.#options.preserve !== true || modified === undefined) return true
    const times = { modified: modified.seconds, accessed: (accessed ?? modified).seconds }
    return this.#say(timesLineOf(times), `Sending file timestamps: T${times.modified} 0 ${times.accessed} 0`)
  }

  async #begin(kind: 'file' | 'directory', { path, shown }: NamedPath, attributes: Attributes): Promise<boolean> {
    // What the person typed may be `.`, where the path has a name.
    const name = nameOf(shown) === '' ? nameOf(path) : nameOf(shown)
    const record = { kind, mode: attributes.permissions ?? (kind === 'file' ? 0o644 : 0o755), size: attributes.size ?? 0, name }
    if (!(await this.#times(attributes))) return false
    return this.#say(entryLineOf(kind === 'file' ? record : { ...record, size: 0 }), `Sending file modes: ${record.name}`)
  }

  async #file(from: NamedPath): Promise<void> {
    let file: OpenFile | undefined
    let attributes: Attributes
    try {
      file = await this.#files.open(from.path, openForReading, {})
      attributes = await file.stat()
    } catch (error) {
      await file?.close()
      await this.#talk.fail(`${from.shown}: ${this.#talk.reason(error)}`)
      return
    }
    try {
      if (attributes.type !== 'file' || attributes.size === undefined) await this.#talk.fail(`${from.shown}: not a regular file`)
      else if (await this.#begin('file', from, attributes)) await this.#data(file, from, attributes.size)
    } finally {
      await file.close()
    }
  }

  /** As many bytes as were announced, whatever has become of the file: zeros, and an error, for those that are missing. */
  async #data(file: OpenFile, from: NamedPath, size: number): Promise<void> {
    const watch = this.#options.watch?.(nameOf(from.shown), size)
    let failure: string | undefined
    let sending: Promise<void> | undefined
    try {
      for (let position = 0, turn = 0; position < size; turn ^= 1) {
        const buffer = (this.#buffers[turn] ??= new Uint8Array(bufferSize)).subarray(0, Math.min(bufferSize, size - position))
        let got = 0
        try {
          if (failure === undefined) got = await file.read(position, buffer)
          if (failure === undefined && got < buffer.length) failure = 'the file became shorter while it was sent'
        } catch (error) {
          failure = this.#talk.reason(error)
        }
        buffer.fill(0, got)
        await sending
        sending = this.#talk.send(buffer)
        // It is awaited a turn later; what goes wrong before that must not count as unheard.
        sending.catch(unheard)
        position += buffer.length
        watch?.moved(position)
      }
      await sending
    } finally {
      watch?.ended()
    }
    if (failure === undefined) await this.#talk.agree()
    else await this.#talk.fail(`${from.shown}: ${failure}`)
    await this.#talk.agreed()
  }

  async #directory(from: NamedPath, attributes: Attributes): Promise<void> {
    let listing
    try {
      listing = await this.#files.list(from.path)
    } catch (error) {
      await this.#talk.fail(`${from.shown}: ${this.#talk.reason(error)}`)
      return
    }
    try {
      if (!(await this.#begin('directory', from, attributes))) return
      for (;;) {
        let entries
        try {
          entries = await listing.next()
        } catch (error) {
          await this.#talk.fail(`${from.shown}: ${this.#talk.reason(error)}`)
        }
        if (entries === undefined) break
        for (const { name } of entries) if (name !== '.' && name !== '..') await this.#inside(from, name)
      }
      await this.#say(endLine, 'Leaving directory')
    } finally {
      await listing.close()
    }
  }

  async #inside(from: NamedPath, name: string): Promise<void> {
    const inner = { path: `${from.path === '/' ? '' : from.path}/${name}`, shown: `${from.shown}/${name}` }
    if (bytesOfName(inner.path).length > maximumPath) await this.#talk.fail(`${inner.shown}: name too long`)
    else await this.send(inner)
  }
}

const unheard = (): void => {}

const openForReading = {
  read: true,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  noFollow: false,
} as const

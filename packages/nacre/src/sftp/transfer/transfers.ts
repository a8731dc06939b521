// Owns the transfers of one SFTP session as a program asks for them: from where to where, and which way each goes. Knows no bytes
// and no packets.
import { TransferError } from '../../errors.ts'
import { type Clock, systemClock } from '../../io/clock.ts'
import type { Attributes } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { joinPath, nameOf } from '../client/paths.ts'
import { orAborted } from '../client/waiting.ts'
import { Channels, maximumChannels, type OpenChannel, type Room } from './channels.ts'
import { Failures, Handles } from './crew.ts'
import { downloadFile, downloadToDevice, fetchInto, openFar } from './download.ts'
import { DownloadTree } from './download-tree.ts'
import { BytesSource, BytesSink, type ByteStream, StreamSink, StreamSource } from './ends.ts'
import { isMissing } from './fault.ts'
import { defaultBounds } from './fetch.ts'
import type { LocalFiles, LocalFolder, LocalPlace } from './local.ts'
import { closeQuietly, type Habits, habitsOf, learnLimits, Moving } from './moving.ts'
import type { TransferOptions, TransferResult, TreeOptions } from './options.ts'
import { inTime } from './patience.ts'
import type { Remote } from './remote.ts'
import { type FarTarget, farThere, localNear, type NearFile, uploadFile } from './upload.ts'
import { UploadTree } from './upload-tree.ts'

export interface TransferHost {
  readonly remote: Remote
  /** Opens another channel of SFTP to the same server, for `channels`. */
  readonly another?: OpenChannel
  /** Milliseconds something short took there and back, if that is known: the way is no longer than that. */
  readonly roundTrip?: number | undefined
  /** Files at this end; without them only bytes and streams can be moved. */
  readonly local: LocalFiles | undefined
  /** Default that of the runtime. */
  readonly clock?: Clock
}

/** Where a download may go: a path here, or a stream. */
export type DownloadTarget = string | WritableStream<Uint8Array>
/** Where an upload may come from: a path here, bytes, or a stream. */
export type UploadSource = string | Uint8Array | ByteStream

export interface ReadFileOptions extends TransferOptions {
  /** Bytes, at most: a longer file is an error. Default 1 GiB. */
  readonly maximum?: number
}

const maximumInMemory = 1024 * 1024 * 1024

const wrong = (path: string, what: string): TransferError => new TransferError('TRANSFER_WRONG_TYPE', `${shownPath(path)} ${what}.`, path)

const checkIsFile = ({ type = 'unknown' }: Attributes, path: string): void => {
  if (type === 'directory') throw wrong(path, 'is a directory; with recursive: true it is moved with all that is in it')
}

export class Transfers {
  readonly #host: TransferHost
  #habits: Habits | undefined
  readonly #room: Room = { channels: maximumChannels, closing: Promise.resolve() }

  constructor(host: TransferHost) {
    this.#host = host
  }

  /**
   * Downloads a file to a path or a stream, or, with `recursive`, what is in a directory into a folder, which is made when it is
   * missing. A file goes into a folder that is there, under its own name. Resolves when all of it is there; otherwise rejects with
   * `SftpError`, `TransferError`, `TransferFailures` for a tree of which some could not be had, `TimeoutError`, what the file
   * system here says, or the reason of `signal`; then nothing incomplete stands under a final name.
   */
  async download(path: string, to: DownloadTarget, options: TreeOptions = {}): Promise<TransferResult> {
    return await this.#moving(options, async moving => {
      if (typeof to === 'string') await this.#downloadTo(moving, path, to)
      else await downloadStream(moving, path, to)
    })
  }

  /** A whole file in memory. */
  async readFile(path: string, options: ReadFileOptions = {}): Promise<Uint8Array> {
    const { maximum = maximumInMemory } = options
    let bytes = new Uint8Array(0)
    await this.#moving(options, async moving => {
      const far = await openFile(moving, path)
      try {
        if ((far.attributes.size ?? 0) > maximum) throw wrong(path, `has ${far.attributes.size} bytes, and ${maximum} are allowed`)
        const sink = new BytesSink(far.attributes.size ?? 0, maximum)
        moving.progress.found(far.attributes.size)
        await fetchInto(moving, far, sink, 0)
        bytes = sink.bytes as Uint8Array<ArrayBuffer>
      } finally {
        closeQuietly(far.files)
      }
    })
    return bytes
  }

  /**
   * Uploads a file, bytes or a stream to a path on the server, or, with `recursive`, what is in a folder into a directory, which is
   * made when it is missing. A file goes into a directory that is there, under its own name. Resolves and rejects as `download`.
   */
  async upload(from: UploadSource, path: string, options: TreeOptions = {}): Promise<TransferResult> {
    return await this.#moving(options, async moving => {
      if (typeof from === 'string') await this.#uploadFrom(moving, from, path)
      else await this.#uploadStream(moving, from, path)
    })
  }

  /** Runs one transfer: with all the channels it wants, and an end for all that goes on when one thing ends it. */
  async #moving(options: TreeOptions, run: (moving: Moving) => Promise<void>): Promise<TransferResult> {
    const { signal, channels: wanted } = options
    signal?.throwIfAborted()
    if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1 && wanted <= maximumChannels))
      throw new TypeError(`channels must be a whole number from 1 to ${maximumChannels}, not ${wanted}`)
    const { remote, local, another, roundTrip, clock = systemClock } = this.#host
    const channels = new Channels(another, this.#room, signal)
    try {
      // Some servers allow one channel a connection: the transfer then goes over as many as there are.
      const asked = await orAborted(Promise.all(channels.open((wanted ?? 1) - 1)), signal)
      const remotes = [remote, ...asked.filter(each => each !== undefined)]
      const known = this.#known(options, clock)
      this.#habits ??= habitsOf(remote)
      const more = wanted === undefined && another !== undefined ? (count: number) => channels.open(count) : undefined
      const moving = new Moving({ remotes, more, roundTrip, local, habits: this.#habits, known, options, clock })
      await run(moving)
      return moving.result()
    } finally {
      channels.close()
    }
  }

  /** Until the server has said what it takes; one that does not say it in time is taken for one that has nothing to say. */
  async #known({ signal, stallTimeout: milliseconds = defaultBounds.stallTimeout }: TransferOptions, clock: Clock): Promise<void> {
    const { remote } = this.#host
    const known = inTime(remote.limitsKnown, { clock, milliseconds }, 'ask for the limits of', '/').catch(() => {})
    await orAborted(known, signal)
    if (this.#habits !== undefined) learnLimits(this.#habits, remote)
  }

  // ── down ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #downloadTo(moving: Moving, path: string, to: string): Promise<void> {
    const place = await moving.local.locate(to)
    const attributes = await moving.first(moving.remote.stat(path, moving.signal))
    const { type: kind = 'unknown' } = attributes
    // Of what the server says nothing, the caller's word is taken.
    if (moving.options.recursive === true && (kind === 'directory' || kind === 'unknown')) {
      await this.#downloadTree(moving, path, attributes, place)
      return
    }
    checkIsFile(attributes, path)
    const name = place.name === '' ? nameOf(path) : place.name
    if (!moving.local.allows(name))
      throw new TransferError('TRANSFER_UNSAFE_NAME', `${shownPath(name)} cannot be the name of a file here: give one.`, path)
    const folder = await moving.local.folder(place.folder)
    try {
      const far = { path, attributes, files: await openFar(moving, path) }
      moving.progress.found(attributes.size)
      const { type = 'file' } = (place.name === '' ? await folder.stat(name, false) : place.attributes) ?? {}
      try {
        if (type === 'directory') throw wrong(joinPath(folder.path, name), 'is a folder, and a file was to go there')
        // What a link in that folder points to is replaced no more than what it is in: the link is.
        await (type === 'file' || type === 'symlink' ? downloadFile : downloadToDevice)(moving, far, folder, name)
      } finally {
        closeQuietly(far.files)
      }
    } finally {
      await folder.close()
    }
  }

  async #downloadTree(moving: Moving, path: string, attributes: Attributes, place: LocalPlace): Promise<void> {
    const { local } = moving
    if (place.name !== '' && place.attributes !== undefined)
      throw wrong(joinPath(place.folder, place.name), 'is a file, and a folder was to be there')
    const where = place.name === '' ? place.folder : joinPath(place.folder, place.name)
    if (place.attributes === undefined) await local.makeFolder(where)
    const folder = await local.folder(where)
    try {
      await inTree(moving, async (inner, failures) => await new DownloadTree(inner, failures).run(path, folder, attributes))
    } finally {
      await folder.close()
    }
  }

  // ── up ────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async #uploadFrom(moving: Moving, from: string, path: string): Promise<void> {
    const place = await moving.local.locate(from)
    if (place.attributes === undefined) throw wrong(from, 'does not exist')
    const folder = await moving.local.folder(place.folder)
    try {
      if (place.name === '') {
        if (moving.options.recursive !== true) throw wrong(from, 'is a folder; with recursive: true it is moved with all that is in it')
        const { attributes } = place
        await moving.known
        await inTree(moving, async (inner, failures) => await new UploadTree(inner, failures).run(folder, path, attributes))
      } else await this.#uploadLocal(moving, folder, place.name, from, path)
    } finally {
      await folder.close()
    }
  }

  async #uploadLocal(moving: Moving, folder: LocalFolder, name: string, from: string, path: string): Promise<void> {
    const local = await folder.openRead(name, true)
    try {
      moving.reinforce(local.size)
      const to = await farTarget(moving, path, name)
      moving.progress.found(local.size)
      await uploadFile(moving, localNear(local, from), to, new Handles(moving.habits, () => {}))
    } finally {
      await local.close()
    }
  }

  async #uploadStream(moving: Moving, from: Uint8Array | ByteStream, path: string): Promise<void> {
    if (from instanceof Uint8Array) moving.reinforce(from.length)
    const to = await farTarget(moving, path, undefined)
    const handles = new Handles(moving.habits, () => {})
    if (from instanceof Uint8Array) {
      const end = new BytesSource(from)
      const near: NearFile = { shown: path, source: end, end, attributes: { size: from.length }, look: undefined }
      moving.progress.found(from.length)
      await uploadFile(moving, near, to, handles)
      return
    }
    const source = new StreamSource(from)
    moving.progress.found(undefined)
    try {
      await uploadFile(moving, { shown: path, source, end: undefined, attributes: {}, look: undefined }, to, handles)
    } finally {
      // Whoever gives the bytes is told when no more are wanted, but not waited for.
      source.cancel().catch(() => {})
    }
  }
}

/** Where an upload goes: what a link points to, and into a directory under `name`. */
const farTarget = async (moving: Moving, path: string, name: string | undefined): Promise<FarTarget> => {
  const { remote, signal } = moving
  let target = path
  let there = await moving.first(farThere(moving, target))
  if (there?.type === 'symlink') {
    try {
      target = await remote.realPath(path, signal)
      there = await remote.stat(target, signal)
    } catch (error) {
      // A link that leads nowhere gives way like anything else.
      if (!isMissing(error)) throw error
    }
  }
  if (there?.type !== 'directory') return { path: target, there }
  if (name === undefined) throw wrong(path, 'is a directory, and a file was to go there')
  const inside = joinPath(target, name)
  const inThere = await farThere(moving, inside)
  if (inThere?.type === 'directory') throw wrong(inside, 'is a directory, and a file was to go there')
  return { path: inside, there: inThere }
}

const openFile = async (moving: Moving, path: string) => {
  const attributes = await moving.first(moving.remote.stat(path, moving.signal))
  checkIsFile(attributes, path)
  return { path, attributes, files: await openFar(moving, path) }
}

const downloadStream = async (moving: Moving, path: string, stream: WritableStream<Uint8Array>): Promise<void> => {
  const sink = new StreamSink(stream)
  try {
    const far = await openFile(moving, path)
    moving.progress.found(far.attributes.size)
    try {
      await fetchInto(moving, far, sink, 0)
    } finally {
      closeQuietly(far.files)
    }
    await sink.close()
  } catch (error) {
    await sink.abort(error)
    throw error
  }
  moving.files++
  moving.progress.fileDone()
}

/** Runs a tree: stops all of it when the caller does, or at the first failure if that is wanted; tells all failures at the end. */
const inTree = async (moving: Moving, run: (moving: Moving, failures: Failures) => Promise<void>): Promise<void> => {
  const { signal, options } = moving
  const stop = new AbortController()
  const failures = new Failures(options.onError === 'stop' ? error => stop.abort(error) : undefined)
  const onAbort = (): void => stop.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  // It may have fired since somebody looked last.
  if (signal?.aborted === true) onAbort()
  moving.signal = stop.signal
  try {
    await run(moving, failures)
  } catch (error) {
    // One error is enough to say when it was the one that stopped all.
    if (stop.signal.aborted) throw stop.signal.reason
    throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
  }
  failures.check(moving.files)
}

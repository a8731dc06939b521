// Owns what a program has of a session of SFTP: `Sftp`, one method for each thing that can be done with files there. How they are
// done is in the files beside this. Knows no packets.
import type { Attributes } from '../attributes.ts'
import { expandPath as expandPathRow } from '../extensions/expand-path.ts'
import { homeDirectory } from '../extensions/home-directory.ts'
import { statvfs as statvfsRow } from '../extensions/statvfs.ts'
import type { FilesystemStat } from '../files.ts'
import { SftpError } from '../../errors.ts'
import type { AskedExtension, Calls, Given, SftpLimits } from './calls.ts'
import type { LocalFiles } from '../transfer/local.ts'
import type { TransferResult, TreeOptions } from '../transfer/options.ts'
import type { DownloadTarget, Transfers, UploadSource } from '../transfer/transfers.ts'
import { copy, type CopyOptions, type CopyResult, rename, type RenameOptions, type RenameResult } from './copy.ts'
import { failureOf } from './explain.ts'
import { glob } from './glob.ts'
import { hash, type HashOptions, type HashResult } from './hash.ts'
import { list, type ListOptions } from './listing.ts'
import type { FileRange, RemoteFile } from './remote-file.ts'
import { type Opening, openFile, readableAt, readWhole, type WholeOptions, writableAt, type WritableOptions } from './open-file.ts'
import { type PlaceOptions } from './place-file.ts'
import { type Entry, Stat } from './stat.ts'
import { type TimeGiven, timeOf } from './times.ts'
import { makeDirectory, type MakeDirectoryOptions, remove, type RemoveOptions } from './tree.ts'
import { type Writable } from './write-behind.ts'
import { writeFile } from './write-file.ts'

/** What downloads and uploads need beside the session. */
export interface SftpEnds {
  /** Files at this end: those of the disk on Node. Without, only bytes and streams can be moved. */
  readonly localFiles?: (() => Promise<LocalFiles>) | undefined
  /** Starts another session on the same connection, for transfers over several. */
  readonly another?: ((signal: AbortSignal | undefined) => Promise<Sftp>) | undefined
  /** Milliseconds something short took there and back, where somebody has looked: the way is no longer. */
  readonly roundTrip?: number | undefined
}

export interface LinkGiven extends Given {
  /** Of what a symbolic link points to. Default true; `false` needs lsetstat@openssh.com. */
  readonly followLinks?: boolean
}

export interface WriteFileOptions extends Omit<PlaceOptions, 'exclusive'> {
  /** `w` replaces what is there, `wx` refuses to, `a` writes after its end. Default `w`. */
  readonly flag?: 'w' | 'wx' | 'a'
}

/**
 * Files on a server. Paths are POSIX paths, relative ones from where the server starts, mostly the home. Every method rejects with
 * `SftpError` when the server refuses, with `operation`, `path`, `status` and where there is one `errno` (`ENOENT`), and with
 * `signal`'s reason when that fires first; what was asked for by then may still happen. When the session ends, everything under
 * way rejects with `connection-lost`, or with `SftpProtocolError` when it ended because of what the server sent.
 */
export class Sftp implements AsyncDisposable {
  readonly #calls: Calls
  readonly #ends: SftpEnds
  #transfers: Promise<Transfers> | undefined
  /** The software the SSH server says it is; '' where that is not known. Text from the peer. */
  readonly serverVersion: string

  /** Use `openSftp`, or `sftp()` of a connection. */
  constructor(calls: Calls, serverVersion = '', ends: SftpEnds = {}) {
    this.#calls = calls
    this.#ends = ends
    this.serverVersion = serverVersion
  }

  /** The layer below: single requests, for services built on it. */
  get calls(): Calls {
    return this.#calls
  }
  /** Of the protocol: 3. */
  get version(): number {
    return this.#calls.requests.version
  }
  /** Names of extensions the server announced, with what it said of each. */
  get extensions(): ReadonlyMap<string, Uint8Array> {
    return this.#calls.requests.extensions
  }
  /** What the server takes, as far as it has said by now. */
  get limits(): SftpLimits {
    return this.#calls.limits
  }
  /** Resolves when the session is over; never rejects. */
  get closed(): Promise<void> {
    return this.#calls.requests.closed
  }

  // ── what is there ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Symbolic links are followed. */
  async stat(path: string, options: Given = {}): Promise<Stat> {
    return new Stat(await this.#calls.stat(path, options))
  }

  /** Of a symbolic link itself. */
  async lstat(path: string, options: Given = {}): Promise<Stat> {
    return new Stat(await this.#calls.lstat(path, options))
  }

  /** Whether `stat` finds something. Rejects when that cannot be said, as without permission. */
  async exists(path: string, options: Given = {}): Promise<boolean> {
    try {
      await this.#calls.stat(path, options)
      return true
    } catch (error) {
      if (error instanceof SftpError && (error.status === 'no-such-file' || error.status === 'no-such-path')) return false
      throw error
    }
  }

  /** What is in a directory, read ahead of whoever looks. Leave the loop to stop it. */
  list(path: string, options: ListOptions = {}): AsyncGenerator<Entry> {
    return list(this.#calls, path, options)
  }

  /** Paths that fit a pattern such as `logs/2*.gz`, in order; nothing when none does. The rules are those of OpenSSH's `sftp`. */
  glob(pattern: string, options: Given = {}): AsyncGenerator<Entry> {
    return glob(this.#calls, pattern, options)
  }

  /** The path without symbolic links, `.` and `..`. Servers differ in whether all of it must exist. */
  async realPath(path: string, options: Given = {}): Promise<string> {
    return await this.#calls.realPath(path, options)
  }

  /** The same for a path that may begin with `~` or `~user`. The latter needs expand-path@openssh.com. */
  async expandPath(path: string, { signal }: Given = {}): Promise<string> {
    const about = { operation: 'expand', path, signal }
    if (this.#calls.has(expandPathRow)) return await this.#calls.extended(expandPathRow, { path }, about)
    if (path !== '~' && !path.startsWith('~/')) {
      if (path.startsWith('~')) throw failureOf('op-unsupported', 'the server does not offer expand-path@openssh.com', about)
      return await this.#calls.realPath(path, { signal })
    }
    const home = await this.home('', { signal })
    return await this.#calls.realPath(home + path.slice(1), { signal })
  }

  /** Where a user is at home; '' is who is logged in. Others need home-directory. */
  async home(user = '', { signal }: Given = {}): Promise<string> {
    const about = { operation: user === '' ? 'find the home' : 'find the home of', path: user === '' ? undefined : user, signal }
    try {
      if (this.#calls.has(homeDirectory)) return await this.#calls.extended(homeDirectory, { user }, about)
    } catch (error) {
      // OpenSSH's server takes '' for the name of a user.
      if (user !== '' || !(error instanceof SftpError) || error.status === 'connection-lost') throw error
    }
    if (user !== '') throw failureOf('op-unsupported', 'the server does not offer home-directory', about)
    // Sessions start there, unless the server has been told otherwise.
    return await this.#calls.realPath('.', { signal })
  }

  async readLink(path: string, options: Given = {}): Promise<string> {
    return await this.#calls.readLink(path, options)
  }

  /** How much room there is. Rejects with `op-unsupported` where the server has no statvfs@openssh.com. */
  async statvfs(path: string, { signal }: Given = {}): Promise<FilesystemStat> {
    const about = { operation: 'statvfs', path, signal }
    if (!this.#calls.has(statvfsRow)) throw failureOf('op-unsupported', `the server does not offer ${statvfsRow.name}`, about)
    return await this.#calls.extended(statvfsRow, { path }, about)
  }

  /** The hash of a file, or of parts of it, by the server with check-file or md5-hash; see `fallback` for others. */
  async hash(path: string, options: HashOptions = {}): Promise<HashResult> {
    return await hash(this.#calls, path, options)
  }

  // ── changing it ───────────────────────────────────────────────────────────────────────────────────────────────────

  async mkdir(path: string, options: MakeDirectoryOptions = {}): Promise<void> {
    await makeDirectory(this.#calls, path, options)
  }

  /**
   * A file, a symbolic link or an empty directory; with `recursive` a directory with all that is in it, many requests at once.
   * Links are removed and not followed. Whoever may change the tree meanwhile can put a link in the place of a directory: no
   * client can prevent that in this protocol.
   */
  async remove(path: string, options: RemoveOptions = {}): Promise<void> {
    await remove(this.#calls, path, options)
  }

  /** Says whether it was one step: see `replace`. */
  async rename(from: string, to: string, options: RenameOptions = {}): Promise<RenameResult> {
    return await rename(this.#calls, from, to, options)
  }

  /** Copies a file, on the server where that can, else through here a few pieces at a time. Says which. */
  async copy(from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> {
    return await copy(this.#calls, from, to, options)
  }

  /** `mode`: the low twelve bits. */
  async chmod(path: string, mode: number, options: LinkGiven = {}): Promise<void> {
    await this.#set('chmod', path, { permissions: mode & 0o7777 }, options)
  }

  async chown(path: string, uid: number, gid: number, options: LinkGiven = {}): Promise<void> {
    await this.#set('chown', path, { uid, gid }, options)
  }

  /** Dates, or seconds since 1970; the protocol has whole seconds. */
  async utimes(path: string, accessed: TimeGiven, modified: TimeGiven, options: LinkGiven = {}): Promise<void> {
    await this.#set('utimes', path, { accessed: timeOf(accessed), modified: timeOf(modified) }, options)
  }

  /** Cuts a file off, or fills it up with zeros. */
  async truncate(path: string, size = 0, options: Given = {}): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no size of a file`)
    await this.#set('truncate', path, { size }, options)
  }

  async #set(operation: string, path: string, attributes: Attributes, { signal, followLinks = true }: LinkGiven): Promise<void> {
    await this.#calls.setAttributes(path, attributes, { signal, follow: followLinks, operation })
  }

  /** A symbolic link at `path`; `target` is any text, and need not exist. */
  async symlink(target: string, path: string, options: Given = {}): Promise<void> {
    await this.#calls.symlink(target, path, options)
  }

  /** A second name at `path` for the file at `existing`. Rejects with `op-unsupported` without hardlink@openssh.com. */
  async link(existing: string, path: string, options: Given = {}): Promise<void> {
    await this.#calls.link(existing, path, options)
  }

  // ── contents ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A file to read and write anywhere in. */
  async open(path: string, opening: Opening = 'r'): Promise<RemoteFile> {
    return await openFile(this.#calls, path, opening)
  }

  /** All of a file: as bytes, or as text when `encoding` says which. Rejects rather than give less than there is. */
  async readFile(path: string, options?: WholeOptions & { readonly encoding?: undefined }): Promise<Uint8Array>
  async readFile(path: string, options: WholeOptions & { readonly encoding: string }): Promise<string>
  async readFile(path: string, options: WholeOptions & { readonly encoding?: string | undefined } = {}): Promise<Uint8Array | string> {
    const { encoding } = options
    const decoder = encoding === undefined ? undefined : new TextDecoder(encoding, { ignoreBOM: true })
    const bytes = await readWhole(this.#calls, path, options)
    return decoder === undefined ? bytes : decoder.decode(bytes)
  }

  /**
   * Makes a file of `data`, text being UTF-8. Where it can it writes to a temporary name beside it and renames: then whoever
   * looks sees the old file or the new one, and a failure or a signal leaves the old. Permissions are kept, the owner is whoever
   * is logged in, other names of the file keep the old content.
   */
  async writeFile(path: string, data: Writable, options: WriteFileOptions = {}): Promise<void> {
    await writeFile(this.#calls, path, data, options)
  }

  /** A file, or part of it, read ahead of whoever takes it. It is opened when somebody reads, and closed at the end. */
  readable(path: string, options: FileRange & Given = {}): ReadableStream<Uint8Array> {
    return readableAt(this.#calls, path, options)
  }

  /**
   * Writes a file, several writes under way; it is complete when closing the stream has succeeded. Opened at the first write.
   * It is written in place: a stream that is cut off leaves what came before. `writeFile` takes streams too, and does not.
   */
  writable(path: string, options: WritableOptions = {}): WritableStream<Uint8Array> {
    return writableAt(this.#calls, path, options)
  }

  // ── transfers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Downloads a file to a path or a stream, or, with `recursive`, what is in a directory into a folder, which is made when it is
   * missing. A file goes into a folder that is there, under its own name. Resolves when all of it is there; otherwise rejects, and
   * nothing incomplete stands under a final name: with `SftpError` when the server refuses, `TransferError` when what came cannot be
   * the file, `TransferFailures` when some of a tree could not be had, `TimeoutError` when the server fell silent, what the file
   * system here says, or the reason of `signal`.
   */
  async download(path: string, to: DownloadTarget, options: TreeOptions = {}): Promise<TransferResult> {
    return await (await this.#transferring()).download(path, to, options)
  }

  /**
   * Uploads a file, bytes or a stream to a path on the server, or, with `recursive`, what is in a folder into a directory, which is
   * made when it is missing. A file goes into a directory that is there, under its own name. Resolves and rejects as `download`.
   */
  async upload(from: UploadSource, path: string, options: TreeOptions = {}): Promise<TransferResult> {
    return await (await this.#transferring()).upload(from, path, options)
  }

  /** Programs that move no files need not load it. */
  #transferring(): Promise<Transfers> {
    this.#transfers ??= (async () => {
      const { transfersOf } = await import('../transfer/transfers-of.ts')
      const { localFiles, another, roundTrip } = this.#ends
      const more = async (signal: AbortSignal | undefined): Promise<{ calls: Calls; close(): Promise<void> } | undefined> =>
        await another?.(signal)
      return transfersOf(this.#calls, await localFiles?.(), another === undefined ? undefined : more, roundTrip)
    })()
    return this.#transfers
  }

  // ── more ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Asks for an extension by its row, of `nacre/sftp` or of one's own. Rejects with `op-unsupported` where the server has none. */
  async extended<Request, Answer>(row: AskedExtension<Request, Answer>, request: Request, { signal }: Given = {}): Promise<Answer> {
    return await this.#calls.extended(row, request, { operation: row.name, signal })
  }

  /** Ends the session and waits for that, but not long. What is under way rejects. The connection goes on. Never rejects. */
  async close(): Promise<void> {
    await this.#calls.requests.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

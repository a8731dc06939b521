// Owns the server as a transfer sees it, over the client's calls. Knows no packets.
import type { Attributes } from '../attributes.ts'
import type { Calls } from '../client/calls.ts'
import type { OpenHandle } from '../client/requests.ts'
import { checkFileName } from '../extensions/check-file-name.ts'
import { md5Hash } from '../extensions/md5-hash.ts'
import type { FileEntry } from '../files.ts'
import { isStatus } from './fault.ts'
import { hashNames, type ReadDone, type Remote, type RemoteFile, type RemoteHash, type TransferHash, type WriteDone } from './remote.ts'

class OpenedFile implements RemoteFile {
  readonly #calls: Calls
  readonly #handle: OpenHandle
  constructor(calls: Calls, handle: OpenHandle) {
    this.#calls = calls
    this.#handle = handle
  }
  read(offset: number, length: number, into: Uint8Array, done: ReadDone): number {
    return this.#calls.requests.read(this.#handle, offset, length, done, into)
  }
  write(offset: number, buffer: Uint8Array, at: number, length: number, done: WriteDone): number {
    return this.#calls.requests.writeInPlace(this.#handle, offset, buffer, at, length, done)
  }
  cancel(request: number): void {
    this.#calls.requests.cancel(request)
  }
  expect(bytes: number): void {
    this.#calls.requests.expect(bytes)
  }
  get full(): boolean {
    return this.#calls.requests.full
  }
  whenRoom(act: () => void): void {
    this.#calls.requests.whenRoom(act)
  }
  stat(): Promise<Attributes> {
    return this.#calls.fstat(this.#handle)
  }
  setAttributes(attributes: Attributes): Promise<void> {
    return this.#calls.setAttributesOf(this.#handle, attributes)
  }
  sync(): Promise<void> {
    return this.#calls.sync(this.#handle)
  }
  close(): Promise<void> {
    return this.#calls.close(this.#handle)
  }
}

const isTransferHash = (name: string): name is TransferHash => (hashNames as readonly string[]).includes(name)

class RemoteCalls implements Remote {
  readonly #calls: Calls
  /** The server announced hashes and then could not do them. */
  #noHashes = false
  constructor(calls: Calls) {
    this.#calls = calls
  }
  get limits(): Remote['limits'] {
    return this.#calls.limits
  }
  get limitsKnown(): Promise<unknown> {
    return this.#calls.limitsKnown
  }
  async open(...[path, options, attributes, signal]: Parameters<Remote['open']>): Promise<RemoteFile> {
    return new OpenedFile(this.#calls, await this.#calls.open(path, options, attributes, { signal }))
  }
  async *list(path: string, signal?: AbortSignal): AsyncGenerator<readonly FileEntry[], void, undefined> {
    const directory = await this.#calls.openDirectory(path, { signal })
    try {
      // The next answer is on its way while this one is looked at.
      let next = this.#calls.readDirectory(directory, { signal })
      for (;;) {
        const entries = await next
        if (entries === undefined) return
        next = this.#calls.readDirectory(directory, { signal })
        next.catch(() => {})
        yield entries.map(({ filename, attributes }) => ({ name: filename, attributes }))
      }
    } finally {
      void this.#calls.closeQuietly(directory)
    }
  }
  stat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#calls.stat(path, { signal })
  }
  lstat(path: string, signal?: AbortSignal): Promise<Attributes> {
    return this.#calls.lstat(path, { signal })
  }
  setAttributes(path: string, attributes: Attributes): Promise<void> {
    return this.#calls.setAttributes(path, attributes)
  }
  makeDirectory(path: string, attributes: Attributes): Promise<void> {
    return this.#calls.makeDirectory(path, attributes)
  }
  remove(path: string): Promise<void> {
    return this.#calls.remove(path)
  }
  rename(from: string, to: string, replace: boolean): Promise<void> {
    return replace ? this.#calls.posixRename(from, to) : this.#calls.plainRename(from, to)
  }
  readLink(path: string, signal?: AbortSignal): Promise<string> {
    return this.#calls.readLink(path, { signal })
  }
  realPath(path: string, signal?: AbortSignal): Promise<string> {
    return this.#calls.realPath(path, { signal })
  }
  symlink(target: string, path: string): Promise<void> {
    return this.#calls.symlink(target, path)
  }

  async hash(...[path, names, offset, length, signal]: Parameters<Remote['hash']>): Promise<RemoteHash | undefined> {
    if (this.#noHashes) return undefined
    try {
      return await this.#hash(path, names, offset, length, signal)
    } catch (error) {
      if (!isStatus(error, 'op-unsupported', 'bad-message', 'failure', 'invalid-parameter')) throw error
      this.#noHashes = true
      return undefined
    }
  }

  async #hash(...[path, names, offset, length, signal]: Parameters<Remote['hash']>): Promise<RemoteHash | undefined> {
    const about = { operation: 'hash', path, signal }
    if (this.#calls.has({ name: 'check-file' })) {
      const question = { path, algorithms: names.join(','), offset, length, blockSize: 0 }
      const { algorithm, hashes } = await this.#calls.extended(checkFileName, question, about)
      return isTransferHash(algorithm) ? { name: algorithm, digest: hashes } : undefined
    }
    if (!names.includes('md5') || !this.#calls.has(md5Hash)) return undefined
    const { hash } = await this.#calls.extended(md5Hash, { path, offset, length, quickCheck: new Uint8Array(0) }, about)
    return hash.length === 0 ? undefined : { name: 'md5', digest: hash }
  }
}

/** A transfer's view of one SFTP session. */
export const remoteOf = (calls: Calls): Remote => new RemoteCalls(calls)

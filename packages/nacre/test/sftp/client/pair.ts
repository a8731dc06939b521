// Two ends of a pipe in memory, and our client joined to our server by them, over files in memory.
import { openSftp, type OpenSftpOptions } from '../../../src/sftp/client/open.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import { memoryFiles, type MemoryFiles, type MemoryFilesOptions } from '../../../src/sftp/files/memory.ts'
import type { ExtensionRow } from '../../../src/sftp/extensions/row.ts'
import { extensions as everyExtension } from '../../../src/sftp/extensions/table.ts'
import type { BytePipe, PipeTap } from '../../../src/sftp/pipe.ts'
import { serveSftp } from '../../../src/sftp/server/serve-web.ts'
import type { SftpServerOptions } from '../../../src/sftp/server/options.ts'

class End implements BytePipe {
  #other: End | undefined
  #tap: PipeTap | undefined
  readonly #coming: { readonly bytes: Uint8Array | undefined; readonly taken: () => void }[] = []
  #busy = false
  #over = false

  join(other: End): void {
    this.#other = other
  }
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#over) return Promise.reject(new Error('the pipe is gone'))
    const taken = Promise.withResolvers<void>()
    this.#other?.come(bytes.slice(), taken.resolve)
    // Large writes wait until the other side has taken them.
    return bytes.length > 16_384 ? taken.promise : undefined
  }
  come(bytes: Uint8Array | undefined, taken: () => void): void {
    this.#coming.push({ bytes, taken })
    void this.#deliver()
  }
  async #deliver(): Promise<void> {
    if (this.#busy || this.#tap === undefined) return
    this.#busy = true
    for (;;) {
      await undefined
      const next = this.#coming.shift()
      if (next === undefined) break
      if (next.bytes === undefined) this.#tap.end()
      else {
        await this.#tap.data(next.bytes, false)
        next.bytes.fill(0xee)
      }
      next.taken()
    }
    this.#busy = false
  }
  tap(tap: PipeTap): void {
    this.#tap = tap
    void this.#deliver()
  }
  end(): void {
    if (this.#over) return
    this.#over = true
    this.#other?.come(undefined, () => {})
  }
  abort(): void {
    this.end()
  }
}

export const pipePair = (): readonly [BytePipe, BytePipe] => {
  const [left, right] = [new End(), new End()]
  left.join(right)
  right.join(left)
  return [left, right]
}

export interface Joined extends AsyncDisposable {
  readonly files: Sftp
  /** What the server serves. */
  readonly there: MemoryFiles
}

export interface JoinOptions {
  readonly memory?: MemoryFilesOptions
  readonly server?: SftpServerOptions
  readonly client?: OpenSftpOptions
  /** Names of extensions the server shall not have. */
  readonly without?: readonly string[]
}

const hidden = (row: ExtensionRow): ExtensionRow => ({ ...row, request: undefined, announced: () => undefined })

/** The client is told that the server is nacre, unless `client` says otherwise. */
export const joined = async ({ memory, server, client, without = [] }: JoinOptions = {}): Promise<Joined> => {
  const there = memoryFiles(memory)
  const [near, far] = pipePair()
  const extensions = everyExtension.filter(row => without.includes(row.name)).map(hidden)
  const serving = serveSftp(far, there, { extensions, ...server })
  serving.catch(() => {})
  const files = await openSftp(near, { deadline: 0, serverVersion: 'nacre_0.1', ...client })
  return {
    files,
    there,
    [Symbol.asyncDispose]: async () => {
      await files.close()
      await serving.catch(() => {})
    },
  }
}

/** Bytes that repeat nowhere soon. */
export const patternBytes = (length: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

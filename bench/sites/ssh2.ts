// Owns the few types of npm's ssh2 that the bench uses, and loading it with its addon or without. Knows nothing of what is
// measured.
import { createRequire, Module } from 'node:module'
import type { Duplex } from 'node:stream'

interface Algorithms {
  readonly kex: readonly string[]
  readonly serverHostKey: readonly string[]
  readonly cipher: readonly string[]
}

export interface ParsedKey {
  getPublicSSH(): Buffer
  verify(data: Buffer, signature: Buffer, algorithm?: string): boolean
}

export interface Channel extends Duplex {
  readonly stderr: Duplex
  exit(code: number): void
  on(event: 'exit', listener: (code: number | null) => void): this
  on(event: string, listener: (...args: never[]) => void): this
}

export interface Authentication {
  readonly method: string
  readonly key: { readonly algo: string; readonly data: Buffer }
  readonly signature?: Buffer
  readonly blob: Buffer
  readonly hashAlgo?: string
  accept(): void
  reject(methods?: readonly string[]): void
}

interface ServedSession {
  on(event: 'exec', listener: (accept: () => Channel, reject: () => void, info: { readonly command: string }) => void): void
  on(event: 'sftp', listener: (accept: () => ServedFiles) => void): void
}

export interface FileAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly atime: number
  readonly mtime: number
}

/** The server's half of SFTP: packets as events, answers as calls. */
export interface ServedFiles {
  on(event: string, listener: (...args: never[]) => void): this
  status(request: number, code: number): void
  handle(request: number, handle: Buffer): void
  data(request: number, data: Buffer): void
  attrs(request: number, attributes: FileAttributes): void
  name(request: number, entries: readonly { readonly filename: string; readonly longname: string; readonly attrs: object }[]): void
  end(): void
}

type Answered<T> = (error: Error | undefined | null, value: T) => void

/** The client's half. */
export interface RemoteFiles {
  fastGet(remote: string, local: string, then: Answered<void>): void
  fastPut(local: string, remote: string, then: Answered<void>): void
  readdir(path: string, then: Answered<readonly { readonly filename: string }[]>): void
  mkdir(path: string, then: Answered<void>): void
  stat(path: string, then: Answered<unknown>): void
}

export interface Served {
  setNoDelay(on: boolean): void
  on(event: 'authentication', listener: (attempt: Authentication) => void): void
  on(event: 'session', listener: (accept: () => ServedSession) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

interface Server {
  listen(port: number, host: string, then: () => void): void
  address(): { readonly port: number }
}

export interface Client {
  setNoDelay(on: boolean): void
  on(event: 'connect' | 'ready' | 'close', listener: () => void): this
  on(event: 'error', listener: (error: Error) => void): this
  connect(options: {
    readonly host: string
    readonly port: number
    readonly username: string
    readonly authHandler: readonly (
      | { readonly type: 'none'; readonly username: string }
      | { readonly type: 'publickey'; readonly username: string; readonly key: ParsedKey }
    )[]
    readonly algorithms?: Algorithms
    readonly hostVerifier: (key: Buffer) => boolean
  }): void
  exec(command: string, then: (error: Error | undefined, channel: Channel) => void): void
  sftp(then: (error: Error | undefined, files: RemoteFiles) => void): void
  end(): void
}

interface Ssh2 {
  readonly Client: new () => Client
  readonly Server: new (
    options: { readonly hostKeys: readonly Buffer[]; readonly algorithms?: Algorithms },
    serve: (connection: Served) => void,
  ) => Server
  readonly utils: {
    parseKey(text: string | Buffer, passphrase?: string): ParsedKey | Error
    readonly sftp: {
      readonly STATUS_CODE: Readonly<Record<'OK' | 'EOF' | 'NO_SUCH_FILE' | 'FAILURE', number>>
      flagsToString(flags: number): string | null
    }
  }
}

/** Options of the sites made of ssh2, as their one argument. */
export interface Ssh2Options {
  readonly addon: boolean
  /** Turn Nagle's algorithm off, which the library itself does not. */
  readonly noDelay: boolean
}

export const options = JSON.parse(process.argv[2] ?? '{"addon":true,"noDelay":true}') as Ssh2Options

if (!options.addon) {
  const extensions = (Module as unknown as { readonly _extensions: Record<string, unknown> })._extensions
  extensions['.node'] = () => {
    throw new Error('native code is off')
  }
}
const load = createRequire(import.meta.url)
export const ssh2 = load('ssh2') as Ssh2

const { bindingAvailable } = load('ssh2/lib/protocol/crypto.js') as { readonly bindingAvailable: boolean }
if (options.addon && !bindingAvailable) throw new Error('the addon of ssh2 is not there')

/** Keys are parsed once, as by our own sites. Throws when it is none. */
export const parsedKey = (text: string | Buffer): ParsedKey => {
  const key = ssh2.utils.parseKey(text)
  if (key instanceof Error) throw key
  return key
}

// Owns the few types of npm's ssh2 that the scripts use, so that checking types needs no installed copy.
declare module 'ssh2' {
  import type { Duplex, Readable, Writable } from 'node:stream'

  export interface ParsedKey {
    readonly type: string
    getPublicSSH(): Buffer
    verify(data: Buffer, signature: Buffer, algorithm?: string): boolean
  }
  export const utils: {
    parseKey(data: string | Buffer, passphrase?: string): ParsedKey | Error
    readonly sftp: {
      readonly STATUS_CODE: Readonly<Record<'OK' | 'EOF' | 'NO_SUCH_FILE' | 'PERMISSION_DENIED' | 'FAILURE', number>>
      flagsToString(flags: number): string | null
    }
  }

  export interface FileAttributes {
    readonly mode: number
    readonly uid: number
    readonly gid: number
    readonly size: number
    readonly atime: number
    readonly mtime: number
  }
  /** A server's end of a session of SFTP. */
  export interface ServedFiles {
    on(request: string, listener: (...args: never[]) => void): void
    status(request: number, code: number, message?: string): void
    handle(request: number, handle: Buffer): void
    data(request: number, data: Buffer): void
    attrs(request: number, attributes: FileAttributes): void
    name(
      request: number,
      names: readonly { readonly filename: string; readonly longname: string; readonly attrs: Partial<FileAttributes> }[],
    ): void
  }

  export interface Prompt {
    readonly prompt: string
    readonly echo: boolean
  }
  export interface Authentication {
    readonly method: string
    readonly username: string
    readonly password?: string
    readonly key?: { readonly algo: string; readonly data: Buffer }
    readonly signature?: Buffer
    readonly blob?: Buffer
    readonly hashAlgo?: string
    accept(): void
    reject(methods?: readonly string[], partial?: boolean): void
    prompt(prompts: readonly Prompt[], title: string, instructions: string, then: (answers: readonly string[]) => void): void
  }
  export interface ServerChannel extends Duplex {
    readonly stderr: Writable
    exit(code: number): void
    exit(signal: string, coreDumped: boolean, message: string): void
  }
  export interface Session {
    on(event: 'exec', listener: (accept: () => ServerChannel, reject: () => void, info: { readonly command: string }) => void): void
    on(event: 'shell', listener: (accept: () => ServerChannel) => void): void
    on(event: 'sftp', listener: (accept: () => ServedFiles) => void): void
    on(event: 'pty' | 'window-change', listener: (accept: (() => void) | undefined, reject: () => void, info: unknown) => void): void
  }
  export interface Connection {
    on(event: 'authentication', listener: (context: Authentication) => void): void
    on(event: 'ready' | 'close' | 'rekey', listener: () => void): void
    on(event: 'session', listener: (accept: () => Session) => void): void
    on(event: 'error', listener: (error: Error) => void): void
    rekey(callback?: () => void): void
  }
  export class Server {
    constructor(options: { readonly hostKeys: readonly Buffer[] }, listener: (connection: Connection) => void)
    listen(port: number, host: string, then: () => void): void
    address(): { readonly port: number }
  }

  export interface ClientChannel extends Duplex {
    readonly stderr: Readable
    on(event: 'exit', listener: (code: number | null, signal?: string) => void): this
    on(event: string | symbol, listener: (...args: never[]) => void): this
  }
  export interface ConnectOptions {
    readonly host: string
    readonly port: number
    readonly username: string
    readonly privateKey?: Buffer
    readonly passphrase?: string
    readonly password?: string
    readonly tryKeyboard?: boolean
    readonly hostVerifier: (key: Buffer) => boolean
    readonly readyTimeout?: number
    readonly authHandler?: readonly string[]
  }
  export class Client {
    on(event: 'ready' | 'close', listener: () => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(
      event: 'keyboard-interactive',
      listener: (
        name: string,
        instructions: string,
        language: string,
        prompts: readonly Prompt[],
        finish: (answers: readonly string[]) => void,
      ) => void,
    ): this
    connect(options: ConnectOptions): this
    exec(command: string, options: object, then: (error: Error | undefined, channel: ClientChannel) => void): void
    shell(window: object | false, then: (error: Error | undefined, channel: ClientChannel) => void): void
    /** Not public, and the only way for a client to ask for new keys. */
    readonly _protocol: { rekey(): void }
    sftp(then: (error: Error | undefined, sftp: Sftp) => void): void
    setNoDelay(on: boolean): this
    end(): this
  }
  type Told<T> = (error: Error | null | undefined, value?: T) => void
  /** A client's end of a session of SFTP: the part that the scripts use. */
  export interface Sftp {
    fastPut(from: string, to: string, options: object, done: Told<never>): void
    fastGet(from: string, to: string, options: object, done: Told<never>): void
    createReadStream(path: string, options?: object): Readable
    createWriteStream(path: string, options?: object): Writable
    readFile(path: string, done: Told<Buffer>): void
    writeFile(path: string, data: string, done: Told<never>): void
    appendFile(path: string, data: string, done: Told<never>): void
    stat(path: string, done: Told<FileAttributes>): void
    lstat(path: string, done: Told<FileAttributes>): void
    utimes(path: string, accessed: number, modified: number, done: Told<never>): void
    symlink(target: string, path: string, done: Told<never>): void
    readlink(path: string, done: Told<string>): void
    realpath(path: string, done: Told<string>): void
    rename(from: string, to: string, done: Told<never>): void
    open(path: string, flags: string, done: Told<Buffer>): void
    close(handle: Buffer, done: Told<never>): void
    opendir(path: string, done: Told<Buffer>): void
    readdir(handle: Buffer, done: Told<readonly { readonly filename: string }[]>): void
    ext_openssh_hardlink(existing: string, path: string, done: Told<never>): void
    ext_openssh_rename(from: string, to: string, done: Told<never>): void
    ext_openssh_fsync(handle: Buffer, done: Told<never>): void
    ext_openssh_fstatvfs(handle: Buffer, done: Told<{ readonly f_blocks: bigint | number }>): void
    ext_openssh_statvfs(path: string, done: Told<{ readonly f_blocks: bigint | number }>): void
  }
  const both: { readonly Client: typeof Client; readonly Server: typeof Server; readonly utils: typeof utils }
  export default both
}

declare module 'ssh2-sftp-client' {
  export default class SftpClient {
    readonly client: { setNoDelay(on: boolean): unknown }
    connect(options: object): Promise<unknown>
    uploadDir(from: string, to: string): Promise<string>
    downloadDir(from: string, to: string): Promise<string>
    exists(path: string): Promise<false | string>
    list(path: string): Promise<readonly { readonly name: string; readonly type: string }[]>
    put(data: unknown, path: string): Promise<string>
    append(data: Buffer, path: string): Promise<string>
    get(path: string): Promise<unknown>
    chmod(path: string, mode: number): Promise<unknown>
    stat(path: string): Promise<{ readonly mode: number; readonly size: number }>
    mkdir(path: string, recursive: boolean): Promise<string>
    rmdir(path: string, recursive: boolean): Promise<string>
    rcopy(from: string, to: string): Promise<string>
    posixRename(from: string, to: string): Promise<string>
    delete(path: string): Promise<string>
    end(): Promise<unknown>
  }
}

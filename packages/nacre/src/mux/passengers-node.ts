// Owns sessions whose standard streams are descriptors of somebody else's process (`ssh -S path host command` of OpenSSH): what comes
// from them goes to the server, what comes of that goes to them, until either side has had enough. Knows nothing of how they came.
import { createReadStream, createWriteStream, fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { isatty, ReadStream, WriteStream } from 'node:tty'
import type { ClientConnection } from '../client/connection.ts'
import type { Process } from '../client/process.ts'
import type { SessionOptions } from '../client/session-start.ts'
import type { TerminalModes } from '../connection/terminal-modes.ts'
import { RequestRefusedError, SshError } from '../errors.ts'
import type { DescriptorLine } from './descriptor-line-node.ts'
import type { MuxLine } from './line.ts'
import type { Passengers, SessionRequest, StdioRequest } from './master.ts'
import { ExitMessage, Failure, pathPort, SessionOpened, TtyAllocFail } from './messages.ts'

/** What a client asks for beside what it runs. */
export interface PassengerWants {
  readonly agent: boolean
  readonly x11: boolean
  /** The variables it sends. */
  readonly environment: Readonly<Record<string, string>>
  /** Tells the person at the client. */
  show(text: string): void
}

/** A session whose keys are looked through. */
export interface PassengerKeys {
  readonly process: Process
  /** The client's escape character. */
  readonly character: string
  /** Tells the person at the client. */
  show(text: string): void
}

/** Bytes in, bytes to send out; `undefined` when nothing more that is typed is to be read. */
export type KeyFilter = (bytes: Uint8Array) => Uint8Array | undefined

export interface PassengerOptions {
  /** The modes of a terminal, by its descriptor, before its owner changes them for the session. Default: the server's own. */
  readonly terminalModes?: (descriptor: number) => TerminalModes | Promise<TerminalModes>
  /** What a session gets. Default: the client's variables; the connection's agent if it wants one; no display. */
  readonly passengerSession?: (
    wants: PassengerWants,
  ) => Pick<SessionOptions, 'forwardAgent' | 'x11' | 'env'> | Promise<Pick<SessionOptions, 'forwardAgent' | 'x11' | 'env'>>
  /** Takes escape sequences out of what is typed at a terminal. Default: all is sent as it was typed. */
  readonly passengerKeys?: (session: PassengerKeys) => KeyFilter
}

const usualSession = ({ agent, environment }: PassengerWants): Pick<SessionOptions, 'forwardAgent' | 'env'> =>
  agent ? { env: environment } : { env: environment, forwardAgent: false }

/** A client without an escape character sends this. */
const noEscape = 0xffffffff

const inputOf = (descriptor: number): Readable => {
  if (isatty(descriptor)) return new ReadStream(descriptor)
  const stat = fstatSync(descriptor)
  return stat.isFIFO() || stat.isSocket()
    ? new Socket({ fd: descriptor, readable: true, writable: false })
    : createReadStream('', { fd: descriptor })
}

const outputOf = (descriptor: number): Writable => {
  if (isatty(descriptor)) return new WriteStream(descriptor)
  const stat = fstatSync(descriptor)
  return stat.isFIFO() || stat.isSocket()
    ? new Socket({ fd: descriptor, readable: false, writable: true })
    : createWriteStream('', { fd: descriptor })
}

/** Waits for room where there is none. */
const writeTo =
  (stream: Writable, failed: () => void) =>
  (bytes: Uint8Array, detached = false): Promise<void> | undefined => {
    if (stream.destroyed) {
      failed()
      return undefined
    }
    // What is written may be kept by the stream until later.
    if (stream.write(detached ? bytes : bytes.slice())) return undefined
    return new Promise<void>(resolve => {
      const done = (): void => {
        stream.off('drain', done)
        stream.off('close', done)
        resolve()
      }
      stream.once('drain', done)
      stream.once('close', done)
    })
  }

const flushed = (stream: Writable): Promise<void> =>
  new Promise(resolve => {
    if (stream.destroyed) resolve()
    else stream.end(() => resolve())
    stream.once('close', () => resolve())
  })

interface Sink {
  write(bytes: Uint8Array): Promise<void> | undefined
  end(): void
}

const unheard = (): void => {}

const everything: KeyFilter = bytes => bytes

/** Reads as fast as the other side takes it. */
const pump = (from: Readable, to: Sink, filter = everything): void => {
  from.on('data', (chunk: Uint8Array) => {
    const bytes = filter(new Uint8Array(chunk))
    if (bytes === undefined) {
      from.destroy()
      return
    }
    if (bytes.length === 0) return
    const waits = to.write(bytes)
    if (waits === undefined) return
    from.pause()
    waits.then(() => from.resume(), unheard)
  })
  from.once('end', () => to.end())
  // A terminal that has gone says so with an error.
  from.once('error', () => to.end())
}

const sizeOf = (terminal: WriteStream | undefined): { readonly columns: number; readonly rows: number } => {
  const [columns, rows] = terminal?.getWindowSize() ?? [80, 24]
  return { columns, rows }
}

const variablesOf = (environment: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    environment.flatMap(each => {
      const at = each.indexOf('=')
      return at > 0 ? [[each.slice(0, at), each.slice(at + 1)]] : []
    }),
  )

const reasonOf = (error: unknown): string => (error instanceof SshError ? error.message : 'Session open refused by peer')

/** A session that is to begin. */
interface Starting {
  readonly line: MuxLine
  readonly sessionId: number
  readonly request: SessionRequest
  show(text: string): void
}

/** For one connection. */
export class DescriptorPassengers implements Passengers {
  readonly #connection: ClientConnection
  readonly #options: PassengerOptions
  #sessions = 0

  constructor(connection: ClientConnection, options: PassengerOptions) {
    this.#connection = connection
    this.#options = options
  }

  async session(line: MuxLine, request: SessionRequest): Promise<void> {
    const [stdin, stdout, stderr] = await (line as DescriptorLine).descriptors(3)
    ;(line as DescriptorLine).watchForEnd()
    const modes = request.wantTty !== 0 && isatty(stdin) ? await this.#options.terminalModes?.(stdin) : undefined
    const [input, output, errors] = [inputOf(stdin), outputOf(stdout), outputOf(stderr)]
    for (const stream of [input, output, errors]) stream.on('error', unheard)
    const terminal = output instanceof WriteStream ? output : undefined
    const sessionId = ++this.#sessions
    try {
      const show = (text: string): void => void (errors.destroyed || errors.write(text))
      const wants = { agent: request.wantAgent !== 0, x11: request.wantX11 !== 0, environment: variablesOf(request.environment), show }
      const options = await (this.#options.passengerSession ?? usualSession)(wants)
      const pty = { term: request.term, ...sizeOf(terminal), ...(modes === undefined ? {} : { modes }) }
      const remote = await this.#start({ line, sessionId, request, show }, request.wantTty === 0 ? options : { ...options, pty })
      const filter = request.wantTty === 0 ? everything : this.#filter(remote, request.escapeCharacter, show)
      await this.#relay(line, sessionId, remote, { input, output, errors, terminal, filter })
    } catch (error) {
      line.write(Failure, { requestId: request.requestId, reason: reasonOf(error) })
    } finally {
      for (const stream of [input, output, errors]) stream.destroy()
    }
  }

  #filter(process: Process, escapeCharacter: number, show: (text: string) => void): KeyFilter {
    const { passengerKeys } = this.#options
    if (passengerKeys === undefined || escapeCharacter === noEscape || escapeCharacter > 0xff) return everything
    return passengerKeys({ process, character: String.fromCharCode(escapeCharacter), show })
  }

  /** Starts it and says so; without a terminal where the server gives none. */
  async #start({ line, sessionId, request, show }: Starting, options: SessionOptions): Promise<Process> {
    const begin = async (with_: SessionOptions): Promise<Process> =>
      request.subsystem !== 0
        ? await this.#connection.subsystem(request.command, with_)
        : request.command === ''
          ? await this.#connection.shell(with_)
          : await this.#connection.exec(request.command, with_)
    const { pty, ...plain } = options
    try {
      const remote = await begin(options)
      line.write(SessionOpened, { requestId: request.requestId, sessionId })
      return remote
    } catch (error) {
      if (pty === undefined || !(error instanceof RequestRefusedError) || error.request !== 'pty-req') throw error
    }
    const remote = await begin(plain)
    line.write(SessionOpened, { requestId: request.requestId, sessionId })
    line.write(TtyAllocFail, { sessionId })
    show('PTY allocation request failed\r\n')
    return remote
  }

  async #relay(
    line: MuxLine,
    sessionId: number,
    remote: Process,
    ends: {
      readonly input: Readable
      readonly output: Writable
      readonly errors: Writable
      readonly terminal: WriteStream | undefined
      readonly filter: KeyFilter
    },
  ): Promise<void> {
    const { input, output, errors, terminal, filter } = ends
    const broken = (): void => remote.closeOutput()
    const [out, err] = [writeTo(output, broken), writeTo(errors, broken)]
    remote.tap({ stdout: out, stderr: err })
    pump(input, { write: bytes => remote.write(bytes), end: () => void remote.stdin.end().catch(unheard) }, filter)
    // OpenSSH's client passes the signal on that its terminal has another size.
    const resized = (): void => {
      // Node itself asks anew for terminals of its own standard streams alone.
      ;(terminal as { _refreshSize?(): void } | undefined)?._refreshSize?.()
      remote.resize(sizeOf(terminal))
    }
    if (terminal !== undefined) process.on('SIGWINCH', resized)
    void line.ended.then(() => remote.close())
    try {
      const exit = await remote.exited
      input.destroy()
      await Promise.all([flushed(output), flushed(errors)])
      line.write(ExitMessage, { sessionId, exitValue: 'code' in exit ? exit.code : 255 })
    } catch {
      // The connection is lost; that there is no exit message says so.
    } finally {
      process.removeListener('SIGWINCH', resized)
    }
  }

  async stdio(line: MuxLine, request: StdioRequest): Promise<void> {
    const [stdin, stdout] = await (line as DescriptorLine).descriptors(2)
    ;(line as DescriptorLine).watchForEnd()
    const [input, output] = [inputOf(stdin), outputOf(stdout)]
    for (const stream of [input, output]) stream.on('error', unheard)
    try {
      const target = request.port === pathPort ? { path: request.host } : { host: request.host, port: request.port }
      await using stream = await this.#connection.dial(target)
      line.write(SessionOpened, { requestId: request.requestId, sessionId: ++this.#sessions })
      const write = writeTo(output, () => stream.abort())
      // When the far side has said all, that is the end, as it is of OpenSSH's -W.
      const said = Promise.withResolvers<void>()
      stream.tap({ data: (bytes, detached) => write(bytes, detached), end: () => said.resolve() })
      pump(input, { write: bytes => stream.write(bytes), end: () => stream.end() })
      await Promise.race([said.promise, line.ended])
      await flushed(output)
    } catch (error) {
      line.write(Failure, { requestId: request.requestId, reason: reasonOf(error) })
    } finally {
      for (const stream of [input, output]) stream.destroy()
    }
  }
}

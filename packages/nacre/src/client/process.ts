// Owns a command, shell or subsystem that runs at the other end: its three streams, its signals, how it exits. Knows
// nothing of connections.
import { ByteQueue, type ByteWritable, byteWritable } from '../io/channel-streams.ts'
import type { ChannelPort, PortHandler } from '../io/channel-port.ts'
import { systemClock } from '../io/clock.ts'
import type { ChannelRequestQuestion } from '../connection/events.ts'
import { breakRequest } from '../connection/requests/break.ts'
import { eow } from '../connection/requests/eow.ts'
import { signal as signalRow } from '../connection/requests/signal.ts'
import { windowChange } from '../connection/requests/window-change.ts'
import type { Exit } from '../errors.ts'
import type { KeystrokeCover } from './keystrokes.ts'

/** How long disposal waits for the server to close its half, in milliseconds. */
const goodbyeMilliseconds = 1000

/** Size of a terminal, in characters and, where known, pixels. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
  readonly widthPixels?: number
  readonly heightPixels?: number
}

/** Bytes as they come, for callers that want no streams in between: see `Process.tap`. */
export interface ProcessTap {
  /** Valid until it returns unless `detached`. Return a promise to hold the peer back until it settles. */
  stdout(bytes: Uint8Array, detached: boolean): void | Promise<void>
  stderr(bytes: Uint8Array, detached: boolean): void | Promise<void>
}

const unheard = (): void => {}

const unknownExit: Exit = { unknown: true }

/** What comes of a process: its output until somebody takes it, and how it ended. All but the exit is made when it is needed. */
class Outcome implements PortHandler {
  readonly #port: ChannelPort
  #stdout: ByteQueue | undefined
  #stderr: ByteQueue | undefined
  /** No more output will come, because of `#cutOff` if there is one. */
  #ended = false
  #cutOff: Error | undefined
  #exit: Exit = unknownExit
  #closed = false
  #error: Error | undefined
  #exited: PromiseWithResolvers<Exit> | undefined
  ran = false
  tap: ProcessTap | undefined

  constructor(port: ChannelPort) {
    this.#port = port
  }

  get exited(): Promise<Exit> {
    if (this.#exited === undefined) {
      this.#exited = Promise.withResolvers<Exit>()
      // Whoever does not look at it must not be killed by it.
      this.#exited.promise.catch(unheard)
      this.#settle()
    }
    return this.#exited.promise
  }

  #settle(): void {
    if (this.#exited === undefined || !this.#closed) return
    if (this.#error === undefined) this.#exited.resolve(this.#exit)
    else this.#exited.reject(this.#error)
  }

  /** Output of a type: 1 is standard error, all other is taken for ordinary. */
  queue(type: number): ByteQueue {
    const there = type === 1 ? this.#stderr : this.#stdout
    if (there !== undefined) return there
    const made = new ByteQueue(count => this.#port.consume(count))
    if (type === 1) this.#stderr = made
    else this.#stdout = made
    if (this.#ended) made.end(this.#cutOff)
    return made
  }

  /** Hands over what nobody has taken. */
  drain(): void {
    for (const chunk of this.#stdout?.drain() ?? []) this.data(chunk, 0, true)
    for (const chunk of this.#stderr?.drain() ?? []) this.data(chunk, 1, true)
  }

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    this.ran = true
    if (this.tap === undefined) {
      this.queue(type).push(detached ? bytes : bytes.slice())
      return
    }
    const count = bytes.length
    const taken = type === 1 ? this.tap.stderr(bytes, detached) : this.tap.stdout(bytes, detached)
    if (taken === undefined) this.#port.consume(count)
    else void taken.catch(unheard).then(() => this.#port.consume(count))
  }

  eof(): void {
    this.#end(undefined)
  }

  request(question: ChannelRequestQuestion): void {
    const { request } = question
    if (request.type === 'exit-status') this.#exit = { code: request.value.exitStatus }
    else if (request.type === 'exit-signal')
      this.#exit = { signal: request.value.signalName, coreDumped: request.value.coreDumped, message: request.value.errorMessage }
    else {
      question.fail()
      return
    }
    this.ran = true
    question.succeed()
  }

  closed(error: Error | undefined): void {
    this.#end(error)
    this.#closed = true
    this.#error = error
    this.#settle()
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#cutOff = error
    this.#stdout?.end(error)
    this.#stderr?.end(error)
  }
}

export class Process implements AsyncDisposable {
  readonly #port: ChannelPort
  readonly #knowsEow: boolean
  readonly #outcome: Outcome
  readonly #cover: KeystrokeCover | undefined
  #stdin: ByteWritable | undefined

  /** `knowsEow`: the server understands eow@openssh.com. `cover` hides when somebody types. */
  constructor(port: ChannelPort, knowsEow = false, cover?: KeystrokeCover) {
    this.#port = port
    this.#cover = cover
    this.#knowsEow = knowsEow
    this.#outcome = new Outcome(port)
    port.handle(this.#outcome)
  }

  /** How it ended. Settles when the channel closes, after the last byte; rejects when the connection ends first. */
  get exited(): Promise<Exit> {
    return this.#outcome.exited
  }

  /** It gave output or said how it ended: so it ran. */
  get ran(): boolean {
    return this.#outcome.ran
  }

  /** What the process reads. `end()` closes it: the process sees end of file. */
  get stdin(): ByteWritable {
    const port = this.#port
    return (this.#stdin ??= byteWritable({
      write: bytes => this.write(bytes),
      end: () => {
        this.#cover?.stop()
        port.eof()
      },
      abort: () => port.abort(),
      whenClosed: listener => port.whenClosed(listener),
    }))
  }

  /** What the process writes. */
  get stdout(): ReadableStream<Uint8Array> {
    return this.#outcome.queue(0).stream
  }
  /** What the process writes to standard error; with a terminal, nothing. */
  get stderr(): ReadableStream<Uint8Array> {
    return this.#outcome.queue(1).stream
  }

  /** Writes without a promise when there is room at once. The bytes must not change until the promise settles. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    return this.#cover === undefined ? this.#port.write(bytes) : this.#cover.write(bytes)
  }

  /** Lets the server have up to `size` bytes of output under way, if that is more than until now. See `Channel.widen`. */
  widen(size: number): void {
    this.#port.widen(size)
  }

  /** Sends all further output to `tap`, without streams. For programs that copy bytes on, like a command-line client. */
  tap(tap: ProcessTap): void {
    this.#outcome.tap = tap
    this.#outcome.drain()
  }

  /** Sends a signal by its name without SIG (RFC 4254 §6.9), e.g. `TERM`. Many servers ignore it. */
  signal(name: string): void {
    this.#port.notify(signalRow, { signalName: name })
  }

  /** RFC 4335: resolves when the server passed the break on. `milliseconds` 0 leaves the length to it. */
  async break(milliseconds = 0): Promise<void> {
    await this.#port.ask(breakRequest, { breakLength: milliseconds })
  }

  /** Tells the process that its terminal has another size. */
  resize(size: TerminalSize): void {
    this.#port.notify(windowChange, {
      columns: size.columns,
      rows: size.rows,
      widthPixels: size.widthPixels ?? 0,
      heightPixels: size.heightPixels ?? 0,
    })
  }

  /**
   * Nobody reads the output any more: a process that goes on writing gets SIGPIPE. A server that knows no
   * eow@openssh.com (OpenSSH's PROTOCOL, 2.1) cannot be told; the channel is closed instead.
   */
  closeOutput(): void {
    const { stderr } = this.#outcome.tap ?? { stderr: () => {} }
    this.tap({ stdout: () => {}, stderr })
    if (this.#knowsEow) this.#port.notify(eow, {})
    else this.#port.abort()
  }

  /** Closes the channel; the server hangs up on the process. */
  close(): void {
    this.#port.abort()
  }

  /** Closes the channel if the process still runs, and waits until it is gone, but not long. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#port.abort()
    // OpenSSH closes its half only when the command ends, and without a terminal nothing makes it end.
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = systemClock.after(goodbyeMilliseconds, resolve)
    await Promise.race([this.exited.catch(() => {}), promise])
    cancel()
  }
}

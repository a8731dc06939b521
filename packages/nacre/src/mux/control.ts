// Owns the side that asks the process which shares a connection: the greeting, requests and their answers, one at a time, and
// the change into proxy mode. Knows nothing of sockets or of what is carried afterwards.
import { escapeForPeople, ShareError, type ShareCode, WireError } from '../errors.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ByteTransport } from '../io/transport.ts'
import { TransportLine } from './line.ts'
import {
  Alive,
  AliveCheck,
  CloseForward,
  decodeMux,
  Failure,
  Hello,
  Info,
  InfoRequest,
  type MuxMessage,
  muxNumber,
  muxVersion,
  Ok,
  OpenForward,
  PermissionDenied,
  Proxying,
  ProxyRequest,
  RemotePort,
  StopListening,
  Terminate,
} from './messages.ts'
import { type MuxForward, forwardText, spellForward } from './places.ts'

/** Extensions nacre's masters announce: their answers to all global requests come back, and what the server's software is. */
export const requestsExtension = 'requests@nacre'
export const versionExtension = 'server-version@nacre'
/** OpenSSH 10's, for MUX_C_EXT_INFO. */
export const infoExtension = 'info'

const usualPatience = 10_000

export interface ControlOptions {
  /** Where the master listens, for messages. */
  readonly path: string
  /** Milliseconds until it has greeted. Default 10 s. */
  readonly timeout?: number
  readonly clock?: Clock
}

/** A line to the process that shares a connection. */
export class Control {
  readonly #line: TransportLine
  readonly path: string
  /** What the master announced. */
  readonly extensions: ReadonlyMap<string, string>
  #requestId = 0
  /** Requests are answered in order, so they are made in order. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(line: TransportLine, path: string, extensions: ReadonlyMap<string, string>) {
    this.#line = line
    this.path = path
    this.extensions = extensions
  }

  /** Greets. Rejects with `ShareError` when what answers is no master, or not in time. */
  static async over(transport: ByteTransport, options: ControlOptions): Promise<Control> {
    const { path, timeout = usualPatience, clock = systemClock } = options
    const line = new TransportLine(transport)
    line.write(Hello, { version: muxVersion, extensions: new Map([[requestsExtension, '1']]) })
    const late = Promise.withResolvers<never>()
    const cancel = clock.after(timeout, () =>
      late.reject(shareError('SHARE_PROTOCOL', path, `did not greet within ${timeout / 1000} s. Is it alive? Is that a ControlPath?`)),
    )
    try {
      const payload = await Promise.race([line.read(), late.promise])
      if (payload === undefined) throw shareError('SHARE_NO_MASTER', path, 'closed the connection at once')
      const { version, extensions } = decodeMux(Hello, payload)
      if (version !== muxVersion) throw shareError('SHARE_PROTOCOL', path, `speaks version ${version} of PROTOCOL.mux, not ${muxVersion}`)
      return new Control(line, path, extensions)
    } catch (error) {
      line.close()
      if (!(error instanceof WireError)) throw error
      throw shareError('SHARE_PROTOCOL', path, `does not speak PROTOCOL.mux: ${error.message}`, error)
    } finally {
      cancel()
      late.promise.catch(() => {})
    }
  }

  /** The process id of the master. */
  async check(): Promise<number> {
    return (await this.#ask(AliveCheck, {}, Alive)).pid
  }

  /** The master ends, and with it the connection and all sessions of it. */
  async terminate(): Promise<void> {
    await this.#ask(Terminate, {}, Ok, true)
  }

  /** The master takes no more clients; what runs goes on. */
  async stopListening(): Promise<void> {
    await this.#ask(StopListening, {}, Ok)
  }

  /** Sets up a forward that lives as long as the master. Resolves with the port the server chose, where one was left to it. */
  async openForward(forward: MuxForward): Promise<number | undefined> {
    const payload = await this.#answer(OpenForward, spellForward(forward))
    return muxNumber(payload) === RemotePort.number
      ? this.#expect(payload, RemotePort).port
      : void this.#expect(payload, Ok, forwardText(forward))
  }

  async closeForward(forward: MuxForward): Promise<void> {
    this.#expect(await this.#answer(CloseForward, spellForward(forward)), Ok, forwardText(forward))
  }

  /** What the master tells of the connection or of its channels, for people. */
  async info(what: 'connection' | 'channels'): Promise<string> {
    if (!this.extensions.has(infoExtension))
      throw shareError('SHARE_FAILED', this.path, 'cannot tell of its connection: that came with OpenSSH 10')
    const { status, text } = await this.#ask(InfoRequest, { what }, Info)
    if (status !== 1) throw shareError('SHARE_FAILED', this.path, `does not tell: ${escapeForPeople(text)}`)
    return text
  }

  /** The stream carries packets of the connection protocol from here on. */
  async proxy(): Promise<ByteTransport> {
    await this.#ask(ProxyRequest, {}, Proxying)
    return this.#line.handOver()
  }

  close(): void {
    this.#line.close()
  }

  async #ask<T extends { readonly requestId: number }, R extends { readonly requestId: number }>(
    request: MuxMessage<T>,
    value: Omit<T, 'requestId'>,
    answer: MuxMessage<R>,
    mayEnd = false,
  ): Promise<R> {
    return this.#expect(await this.#answer(request, value, mayEnd ? answer : undefined), answer)
  }

  async #answer<T extends { readonly requestId: number }>(
    request: MuxMessage<T>,
    value: Omit<T, 'requestId'>,
    whenGone?: MuxMessage<{ readonly requestId: number }> | MuxMessage<never>,
  ): Promise<Uint8Array> {
    const turn = this.#turn.then(async () => {
      const requestId = this.#requestId++
      this.#line.write(request, { ...value, requestId } as T)
      const payload = await this.#read()
      if (payload !== undefined) return payload
      if (whenGone === undefined) throw shareError('SHARE_NO_MASTER', this.path, `went away before it answered ${request.name}`)
      // OpenSSH's master ends before its answer has left.
      const gone = new Uint8Array(8)
      new DataView(gone.buffer).setUint32(0, whenGone.number)
      new DataView(gone.buffer).setUint32(4, requestId)
      return gone
    })
    this.#turn = turn.catch(() => {})
    return await turn
  }

  async #read(): Promise<Uint8Array | undefined> {
    try {
      return await this.#line.read()
    } catch (error) {
      throw shareError('SHARE_PROTOCOL', this.path, `broke the protocol: ${String(error)}`, error)
    }
  }

  #expect<R extends { readonly requestId: number }>(payload: Uint8Array, answer: MuxMessage<R>, about?: string): R {
    const subject = about === undefined ? '' : `the ${escapeForPeople(about)}: `
    try {
      const number = muxNumber(payload)
      if (number === PermissionDenied.number)
        throw shareError('SHARE_REFUSED', this.path, `refuses ${subject}${escapeForPeople(decodeMux(PermissionDenied, payload).reason)}`)
      if (number === Failure.number)
        throw shareError('SHARE_FAILED', this.path, `failed: ${subject}${escapeForPeople(decodeMux(Failure, payload).reason)}`)
      const value = decodeMux(answer, payload)
      if (value.requestId !== this.#requestId - 1) throw new WireError(`an answer to request ${value.requestId}, which was not asked`)
      return value
    } catch (error) {
      if (error instanceof ShareError) throw error
      this.close()
      throw shareError('SHARE_PROTOCOL', this.path, `broke the protocol: ${error instanceof Error ? error.message : String(error)}`, error)
    }
  }
}

const shareError = (code: ShareCode, path: string, what: string, cause?: unknown): ShareError =>
  new ShareError(code, `The master of the shared connection at ${path} ${what}.`, path, cause === undefined ? undefined : { cause })

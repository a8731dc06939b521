// Owns the dialogue of the master with one client: the greeting, requests in turn, each answered before the next is read, and the
// change to proxy mode. Knows nothing of sockets, and does nothing itself: what is asked is done by its host.
import { escapeForPeople, SshError, WireError } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import type { MuxLine } from './line.ts'
import { infoExtension, requestsExtension, versionExtension } from './control.ts'
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
  NewSession,
  NewStdioForward,
  Ok,
  OpenForward,
  PermissionDenied,
  Proxying,
  ProxyRequest,
  RemotePort,
  StopListening,
  Terminate,
} from './messages.ts'
import type { Infer } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { type MuxForward, forwardText, readForward } from './places.ts'

export type SessionRequest = Infer<typeof NewSession>
export type StdioRequest = Infer<typeof NewStdioForward>

/** Who does what clients ask for. */
export interface MasterHost {
  readonly pid: number
  readonly serverVersion: string
  /** Whether it may be done; the text is for people, and has no names in it that were not escaped. */
  permit(what: string): boolean | Promise<boolean>
  terminate(): void
  stopListening(): void
  /** Resolves with the port the server chose, where it was left to it. What it rejects with is told to the client. */
  openForward(forward: MuxForward): Promise<number | undefined>
  /** False: there is none. */
  closeForward(forward: MuxForward): Promise<boolean>
  /** What is told of the connection or of its channels; `undefined` for what nobody knows. */
  info(what: string): string | undefined
  /** The stream is a proxy client's from now on. `exact`: it is one of nacre's. */
  proxy(transport: ByteTransport, exact: boolean): void
}

/**
 * Sessions of clients that pass their own descriptors; only where they can be received. The rest of the line is theirs: the promise
 * resolves when the client may go.
 */
export interface Passengers {
  session(line: MuxLine, request: SessionRequest): Promise<void>
  stdio(line: MuxLine, request: StdioRequest): Promise<void>
}

/** What an older client, or one without a terminal to lend, is told. */
const noPassengers =
  'this master cannot receive descriptors (that takes Node 26 on Linux): ssh -O proxy does without; now another connection is made'

const reasonOf = (error: unknown): string =>
  error instanceof SshError ? error.message : error instanceof Error ? `internal error: ${error.name}` : 'internal error'

export class MasterDialogue {
  readonly #line: MuxLine
  readonly #host: MasterHost
  readonly #passengers: Passengers | undefined
  #exact = false

  constructor(line: MuxLine, host: MasterHost, passengers?: Passengers) {
    this.#line = line
    this.#host = host
    this.#passengers = passengers
  }

  /** Serves until the client leaves, breaks the protocol, or changes to proxy mode. Never rejects. */
  async run(): Promise<void> {
    const extensions = new Map([
      [infoExtension, '0'],
      [requestsExtension, '1'],
      [versionExtension, this.#host.serverVersion],
    ])
    this.#line.write(Hello, { version: muxVersion, extensions })
    try {
      const hello = await this.#line.read()
      if (hello === undefined) return
      const { version, extensions: theirs } = decodeMux(Hello, hello)
      if (version !== muxVersion) throw new WireError(`version ${version}`)
      this.#exact = theirs.has(requestsExtension)
      for (let payload = await this.#line.read(); payload !== undefined; payload = await this.#line.read())
        if ((await this.#serve(payload)) === 'handed over') return
    } catch (error) {
      // Whoever does not speak the protocol is not answered: it would not understand.
      if (!(error instanceof WireError)) throw error
    }
    this.#line.close()
  }

  async #serve(payload: Uint8Array): Promise<'handed over' | undefined> {
    switch (muxNumber(payload)) {
      case AliveCheck.number:
        this.#line.write(Alive, { requestId: decodeMux(AliveCheck, payload).requestId, pid: this.#host.pid })
        return
      case Terminate.number:
        return await this.#simple(Terminate, payload, 'Terminate the shared connection?', () => this.#host.terminate())
      case StopListening.number:
        return await this.#simple(StopListening, payload, 'Share the connection no further?', () => this.#host.stopListening())
      case OpenForward.number:
        return await this.#open(payload)
      case CloseForward.number:
        return await this.#close(payload)
      case InfoRequest.number: {
        const { requestId, what } = decodeMux(InfoRequest, payload)
        const text = this.#host.info(what)
        this.#line.write(Info, { requestId, status: text === undefined ? 0 : 1, text: text ?? 'info request type not supported' })
        return
      }
      case ProxyRequest.number:
        return await this.#proxy(decodeMux(ProxyRequest, payload).requestId)
      case NewSession.number:
        return await this.#passenger(decodeMux(NewSession, payload), (passengers, request) => passengers.session(this.#line, request))
      case NewStdioForward.number:
        return await this.#passenger(decodeMux(NewStdioForward, payload), (passengers, request) => passengers.stdio(this.#line, request))
      default: {
        const reader = new Reader(payload, 4)
        this.#line.write(Failure, { requestId: reader.uint32(), reason: 'unsupported request' })
        return undefined
      }
    }
  }

  async #permitted(requestId: number, question: string): Promise<boolean> {
    if (await this.#host.permit(question)) return true
    this.#line.write(PermissionDenied, { requestId, reason: 'Permission denied' })
    return false
  }

  async #simple(
    message: MuxMessage<{ readonly requestId: number }>,
    payload: Uint8Array,
    question: string,
    act: () => void,
  ): Promise<undefined> {
    const { requestId } = decodeMux(message, payload)
    if (!(await this.#permitted(requestId, question))) return
    this.#line.write(Ok, { requestId })
    act()
  }

  async #open(payload: Uint8Array): Promise<undefined> {
    const asked = decodeMux(OpenForward, payload)
    const { requestId } = asked
    try {
      const forward = readForward(asked)
      if (!(await this.#permitted(requestId, `Open ${escapeForPeople(forwardText(forward))} on the shared connection?`))) return
      const port = await this.#host.openForward(forward)
      if (port === undefined) this.#line.write(Ok, { requestId })
      else this.#line.write(RemotePort, { requestId, port })
    } catch (error) {
      this.#line.write(Failure, { requestId, reason: reasonOf(error) })
    }
  }

  async #close(payload: Uint8Array): Promise<undefined> {
    const asked = decodeMux(CloseForward, payload)
    const { requestId } = asked
    try {
      if (await this.#host.closeForward(readForward(asked))) this.#line.write(Ok, { requestId })
      else this.#line.write(Failure, { requestId, reason: 'port not forwarded' })
    } catch (error) {
      this.#line.write(Failure, { requestId, reason: reasonOf(error) })
    }
  }

  async #proxy(requestId: number): Promise<'handed over' | undefined> {
    if (!(await this.#permitted(requestId, 'Allow another program to use the shared connection?'))) return
    this.#line.write(Proxying, { requestId })
    this.#host.proxy(this.#line.handOver(), this.#exact)
    return 'handed over'
  }

  async #passenger<R extends { readonly requestId: number }>(
    request: R,
    serve: (passengers: Passengers, request: R) => Promise<void>,
  ): Promise<'handed over'> {
    const { requestId } = request
    if (this.#passengers === undefined) this.#line.write(Failure, { requestId, reason: noPassengers })
    else if (await this.#permitted(requestId, 'Allow another session over the shared connection?')) {
      await serve(this.#passengers, request)
      this.#line.close()
      return 'handed over'
    }
    // The descriptors come as bytes of no message. Whoever was refused closes the line; who does not is not waited for for ever.
    await Promise.race([this.#line.ended, new Promise<void>(resolve => setTimeout(resolve, refusedMilliseconds).unref?.())])
    this.#line.close()
    return 'handed over'
  }
}

const refusedMilliseconds = 5000

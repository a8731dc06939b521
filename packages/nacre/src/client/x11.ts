// Owns X11 for sessions: what is asked of the server with a cookie that is good for nothing else, and for each connection that
// comes back, that it has that cookie, and the real one in its place. Knows no sockets and no xauth; both are given to it.
import { x11 as x11Channel } from '../connection/channel-types/x11.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { isOf } from '../connection/row.ts'
import { x11Req } from '../connection/requests/x11-req.ts'
import { equalBytes } from '../crypto/constant-time.ts'
import type { Random } from '../crypto/provider.ts'
import { ConfigError, escapeForPeople, WireError } from '../errors.ts'
import type { LocalSockets } from '../forward/sockets.ts'
import { parseX11Display, type X11Display } from '../forward/x11-display.ts'
import { longestX11Setup, readX11Setup, writeX11Setup, type X11Authentication, x11Refusal, type X11Setup } from '../forward/x11-setup.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import type { Clock } from '../io/clock.ts'
import type { Link } from '../io/link.ts'
import type { ServedChannels } from './served-channels.ts'

/** X11 for a session. */
export interface X11Forwarding {
  /** Where the X server is, as DISPLAY says it: `:0`, `host:10.0`. */
  readonly display: string
  /**
   * What the X server asks for: see `x11Authentication`. Left out: nothing, and the server decides by who we are. The other end never
   * sees it.
   */
  readonly authentication?: X11Authentication | undefined
  /** One connection, and no more. Default false. */
  readonly single?: boolean
  /** Milliseconds after which no further connections are taken (ForwardX11Timeout). Default: none. */
  readonly timeout?: number
  /** Connections at once. Default 256. */
  readonly maximumConnections?: number
  /** The server does not forward X11. The session goes on without. */
  readonly onRefused?: () => void
  /** Told in words of each connection that was not let through; for the person. */
  readonly onNote?: (note: string) => void
}

const usualConnections = 256
/** A client that does not say who it is goes, after so many milliseconds. */
const patience = 30_000
const usualProtocol = 'MIT-MAGIC-COOKIE-1'
const usualCookieBytes = 16

/** One session's. */
interface Asked {
  readonly forwarding: X11Forwarding
  readonly display: X11Display
  readonly fake: X11Authentication
  readonly until: number
  connections: number
  used: boolean
}

export interface X11Facts {
  readonly link: Link
  readonly served: ServedChannels
  readonly sockets: (() => Promise<LocalSockets>) | undefined
  readonly random: Random
  readonly clock: Clock
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
const nobody: X11Authentication = { protocol: '', data: new Uint8Array(0) }

/** The displays of one connection's sessions. A connection says by its cookie to which it belongs. */
export class ForwardedDisplays {
  readonly #facts: X11Facts
  readonly #asked = new Set<Asked>()

  constructor(facts: X11Facts) {
    this.#facts = facts
    facts.served.serve(x11Channel.name, question => this.#opened(question))
  }

  /** Asks the server, before anything is started in the session. Throws `ForwardError` for a display that is none. */
  ask(port: ChannelPort, forwarding: X11Forwarding): void {
    const { random, clock, sockets } = this.#facts
    if (sockets === undefined) throw new ConfigError('X11 needs sockets at this end: give `sockets` to connect with.')
    const { authentication, timeout, single = false } = forwarding
    const display = parseX11Display(forwarding.display)
    // As long as the real one: some programs at the other end know what length to expect.
    const fake = {
      protocol: authentication?.protocol ?? usualProtocol,
      data: new Uint8Array(authentication?.data.length ?? usualCookieBytes),
    }
    random(fake.data)
    const until = timeout === undefined ? Number.POSITIVE_INFINITY : clock.now() + timeout
    const asked: Asked = { forwarding, display, fake, until, connections: 0, used: false }
    this.#asked.add(asked)
    port.whenClosed(() => this.#asked.delete(asked))
    const details = {
      singleConnection: single,
      authenticationProtocol: fake.protocol,
      authenticationCookie: hex(fake.data),
      screenNumber: display.screen,
    }
    port.request(x11Req, details, error => {
      if (error === undefined) return
      this.#asked.delete(asked)
      if (!port.closed) forwarding.onRefused?.()
    })
  }

  #opened(question: OpenQuestion): boolean {
    const { details } = question
    if (this.#asked.size === 0 || !isOf(details, x11Channel)) return false
    const { originatorAddress, originatorPort } = details.value
    const from = `${escapeForPeople(originatorAddress, { limit: 100 })} port ${originatorPort}`
    const now = this.#facts.clock.now()
    const open = [...this.#asked].filter(asked => asked.until > now)
    if (open.length === 0) {
      for (const { forwarding } of this.#asked) forwarding.onNote?.(`Rejected X11 connection from ${from} after ForwardX11Timeout expired.`)
      question.refuse('administratively-prohibited', 'the time for X11 is over')
      return true
    }
    const fits = open.some(asked => asked.connections < most(asked) && !(asked.forwarding.single === true && asked.used))
    if (!fits) {
      for (const { forwarding } of open) forwarding.onNote?.(`Rejected X11 connection from ${from}: there are as many as may be.`)
      question.refuse('resource-shortage', 'too many X11 connections')
      return true
    }
    this.#listenTo(new ChannelStream(this.#facts.link.accept(question)), from)
    return true
  }

  /** Waits until the client has said who it is. */
  #listenTo(stream: ChannelStream, from: string): void {
    const late = this.#facts.clock.after(patience, () => stream.abort())
    let held: Uint8Array = new Uint8Array(0)
    /** Set once the setup is there: what comes then waits until the display is connected. */
    let joining: Promise<void> | undefined
    stream.tap({
      data: (bytes, detached) => {
        held = held.length === 0 && detached ? bytes : joined(held, bytes)
        if (joining !== undefined) return joining
        const setup = this.#read(stream, held, from)
        if (setup === undefined) return undefined
        late()
        joining = this.#connect(stream, setup, from, () => held.subarray(setup.length))
        return joining
      },
      end: () => {
        late()
        if (joining === undefined) stream.abort()
      },
    })
    void stream.closed.then(late)
  }

  /** The setup when it is whole; a connection that begins otherwise is ended. */
  #read(stream: ChannelStream, held: Uint8Array, from: string): X11Setup | undefined {
    try {
      return readX11Setup(held.subarray(0, longestX11Setup))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#tell(`X11 connection from ${from} rejected: it began with ${error.message}.`)
      stream.abort()
      return undefined
    }
  }

  #tell(note: string): void {
    for (const { forwarding } of this.#asked) forwarding.onNote?.(note)
  }

  #refuse(stream: ChannelStream, setup: X11Setup, reason: string): void {
    void stream.write(x11Refusal(setup, reason))?.catch(() => {})
    stream.close()
  }

  /** The session whose cookie it is. All are compared, whichever fits. */
  #owner(setup: X11Setup): Asked | undefined {
    let found: Asked | undefined
    for (const asked of this.#asked) {
      const same = equalBytes(asked.fake.data, setup.data)
      if (same && asked.fake.protocol === setup.protocol) found = asked
    }
    return found
  }

  /** Connects to the display and joins the two. Never rejects. */
  async #connect(stream: ChannelStream, setup: X11Setup, from: string, rest: () => Uint8Array): Promise<void> {
    const asked = this.#owner(setup)
    const { sockets, clock } = this.#facts
    if (asked === undefined || sockets === undefined) {
      this.#tell(`X11 connection from ${from} rejected because of wrong authentication.`)
      this.#refuse(stream, setup, 'nacre: wrong authentication for this forwarded display')
      return
    }
    const { forwarding, display } = asked
    if (asked.until <= clock.now() || asked.connections >= most(asked) || (forwarding.single === true && asked.used)) {
      forwarding.onNote?.(`Rejected X11 connection from ${from}: no more are taken for this session.`)
      this.#refuse(stream, setup, 'nacre: no more connections are taken to this forwarded display')
      return
    }
    asked.used = true
    asked.connections++
    void stream.closed.then(() => asked.connections--)
    try {
      const connection = await (await sockets()).connect(display.place)
      connection.write(writeX11Setup(setup, forwarding.authentication ?? nobody))
      const early = rest()
      if (early.length > 0) connection.write(early.slice())
      connection.join(stream)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      forwarding.onNote?.(`X11 connection from ${from}: the display ${display.text} cannot be reached: ${why}`)
      this.#refuse(stream, setup, 'nacre: the display cannot be reached')
    }
  }
}

const most = ({ forwarding }: Asked): number => forwarding.maximumConnections ?? usualConnections

const joined = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

// Owns sockets of a machine that exists in memory only: listening, connecting, both directions with their ends, and a buffer that is
// full at some time. Knows nothing of forwards.
import { ConnectError, ForwardError } from '../errors.ts'
import { isUnixPlace, type Listening, type LocalConnection, type LocalSockets, type Place } from '../forward/sockets.ts'
import type { ChannelStream } from '../io/channel-stream.ts'

/** Bytes that wait at an end that reads none, before whoever sends by a channel has to wait. */
const fullAt = 64 * 1024

/** One end of a connection in memory. */
export class MemorySocket implements LocalConnection {
  readonly peer: { readonly address: string; readonly port: number }
  readonly #came: Uint8Array[] = []
  #held = 0
  #other: MemorySocket | undefined
  /** The other end sends no more. */
  #over = false
  #ended = false
  #destroyed = false
  #wake: (() => void) | undefined
  #room: PromiseWithResolvers<void> | undefined
  readonly #closed = Promise.withResolvers<void>()

  constructor(peer: { readonly address: string; readonly port: number }) {
    this.peer = peer
  }

  /** Two ends; `near` is told that it is connected to by `from`. */
  static pair(from: { readonly address: string; readonly port: number }, to: { readonly address: string; readonly port: number }) {
    const near = new MemorySocket(from)
    const far = new MemorySocket(to)
    near.#other = far
    far.#other = near
    return { near, far }
  }

  get closed(): Promise<void> {
    return this.#closed.promise
  }
  get destroyed(): boolean {
    return this.#destroyed
  }
  /** Bytes that came and that nobody has read. */
  get held(): number {
    return this.#held
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#came.shift()
      if (bytes !== undefined) {
        this.#held -= bytes.length
        if (this.#held < fullAt) this.#room?.resolve()
        return bytes
      }
      if (this.#over || this.#destroyed) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      await promise
    }
  }

  /** All that comes until the other end has ended, as text. */
  async text(): Promise<string> {
    const decoder = new TextDecoder()
    let text = ''
    for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) text += decoder.decode(bytes, { stream: true })
    return text
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#came.unshift(bytes)
    this.#held += bytes.length
  }

  write(bytes: Uint8Array | string): void {
    if (this.#ended || this.#destroyed) return
    const other = this.#other
    if (other !== undefined) other.#arrive(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes.slice())
  }

  /** Sends no more; what comes may still be read. */
  end(): void {
    if (this.#ended || this.#destroyed) return
    this.#ended = true
    const other = this.#other
    if (other !== undefined) other.#arrivedAll()
    this.#closeWhenDone()
  }

  /** Here it is noticed always. */
  watch(): void {}

  discard(): void {
    if (this.#destroyed) return
    this.#destroyed = true
    this.#came.length = 0
    this.#stir()
    this.#closed.resolve()
    this.#other?.discard()
  }

  join(stream: ChannelStream): void {
    stream.tap({
      data: (bytes, detached) => {
        this.write(detached ? bytes : bytes.slice())
        const other = this.#other
        return other === undefined ? undefined : other.#whenRoom()
      },
      end: error => (error === undefined ? this.end() : this.discard()),
    })
    void this.#carry(stream)
    void stream.closed.then(error => (error === undefined ? this.end() : this.discard()))
  }

  async #carry(stream: ChannelStream): Promise<void> {
    try {
      for (let bytes = await this.read(); bytes !== undefined; bytes = await this.read()) await stream.write(bytes)
      if (this.#destroyed && !this.#over) stream.abort()
      else stream.end()
    } catch {
      this.discard()
    }
  }

  #whenRoom(): Promise<void> | undefined {
    if (this.#held < fullAt || this.#destroyed) return undefined
    this.#room ??= Promise.withResolvers()
    const room = this.#room
    return room.promise.then(() => {
      if (this.#room === room) this.#room = undefined
    })
  }

  #arrive(bytes: Uint8Array): void {
    if (this.#destroyed) return
    this.#came.push(bytes)
    this.#held += bytes.length
    this.#stir()
  }

  #arrivedAll(): void {
    this.#over = true
    this.#stir()
    this.#closeWhenDone()
  }

  #stir(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
    if (this.#destroyed) this.#room?.resolve()
  }

  #closeWhenDone(): void {
    if (this.#ended && this.#over) this.#closed.resolve()
  }
}

const nameOf = (place: Place): string => (isUnixPlace(place) ? place.path : `${place.host ?? '*'}:${place.port}`)

/** A machine: what listens there, and which places never answer. */
export class MemorySockets implements LocalSockets {
  readonly #listeners = new Map<string, (connection: LocalConnection) => void>()
  #nextPort = 40_000
  /** Places that take no connection and refuse none, as behind a firewall. */
  readonly silent = new Set<string>()

  /** Names of all places that listen, `host:port` or a path. */
  get listening(): readonly string[] {
    return [...this.#listeners.keys()]
  }

  async connect(place: Place, { signal }: { readonly signal?: AbortSignal } = {}): Promise<MemorySocket> {
    signal?.throwIfAborted()
    const name = nameOf(place)
    if (this.silent.has(name))
      return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
    const any = isUnixPlace(place) ? undefined : this.#listeners.get(`*:${place.port}`)
    const taken = this.#listeners.get(name) ?? any
    const target = isUnixPlace(place) ? { host: place.path, port: 0 } : { host: place.host ?? '', port: place.port }
    if (taken === undefined) throw new ConnectError('CONNECT_FAILED', `Cannot connect to ${name}: nothing listens there.`, target)
    const from = isUnixPlace(place) ? { address: '', port: 0 } : { address: '127.0.0.1', port: this.#nextPort++ }
    const { near, far } = MemorySocket.pair(from, { address: target.host, port: target.port })
    taken(near)
    return far
  }

  async listen(place: Place, _options: object, taken: (connection: LocalConnection) => void): Promise<Listening> {
    const here: Place = isUnixPlace(place) || place.port !== 0 ? place : { host: place.host, port: this.#nextPort++ }
    const name = nameOf(here)
    if (this.#listeners.has(name)) throw new ForwardError('FORWARD_LISTEN', `Cannot listen on ${name}: it is in use already.`)
    this.#listeners.set(name, taken)
    return { place: here, close: async () => void this.#listeners.delete(name) }
  }
}

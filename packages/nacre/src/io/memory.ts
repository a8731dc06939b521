// Owns a transport without a network: two ends joined in memory. Delivery happens in later turns, as on a network.
import type { ByteTransport, RemoteAddress, TransportSink } from './transport.ts'

class MemoryEnd implements ByteTransport {
  readonly remote: RemoteAddress | undefined
  #sink: TransportSink | undefined
  #peer: MemoryEnd | undefined
  readonly #arrived: Uint8Array[] = []
  #peerClosed = false
  #ended = false
  #closed = false
  #paused = false
  #scheduled = false

  constructor(remote: RemoteAddress | undefined) {
    this.remote = remote
  }

  join(peer: MemoryEnd): void {
    this.#peer = peer
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#schedule()
  }

  write(bytes: Uint8Array, taken: () => void): void {
    if (!this.#closed) this.#peer?.arrive(bytes.slice())
    queueMicrotask(taken)
  }

  arrive(bytes: Uint8Array): void {
    if (this.#closed) return
    this.#arrived.push(bytes)
    this.#schedule()
  }

  peerClosed(): void {
    this.#peerClosed = true
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (this.#sink !== undefined && !this.#paused && !this.#ended) {
      const bytes = this.#arrived.shift()
      if (bytes === undefined) break
      this.#sink.data(bytes)
    }
    if (this.#sink !== undefined && this.#peerClosed && this.#arrived.length === 0 && !this.#ended) {
      this.#ended = true
      this.#sink.end()
    }
  }

  pause(): void {
    this.#paused = true
  }
  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#arrived.length = 0
    this.#peer?.peerClosed()
    this.peerClosed()
  }
}

/** Two transports; what one writes the other receives. */
export const memoryPair = (remote?: RemoteAddress): readonly [ByteTransport, ByteTransport] => {
  const left = new MemoryEnd(remote)
  const right = new MemoryEnd(remote)
  left.join(right)
  right.join(left)
  return [left, right]
}

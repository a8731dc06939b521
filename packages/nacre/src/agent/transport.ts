// Owns the one interface between an agent and whoever asks it: two ways for bytes. Knows no sockets, pipes or messages.

/** A two-way byte stream between an agent and a client, seen from either end. */
export interface AgentTransport {
  /** Sends bytes. A promise resolves when more may be sent; who awaits it sends no faster than the other end reads. */
  write(bytes: Uint8Array): void | Promise<void>
  /** The next bytes, in pieces of any size; `undefined` at the end. Called again only when the last call has been answered. */
  read(): Promise<Uint8Array | undefined>
  close(): void
}

/** One direction: what is written waits until it is read. */
class Way {
  readonly #pieces: Uint8Array[] = []
  #reader: ((piece: Uint8Array | undefined) => void) | undefined
  #writers: (() => void)[] = []
  #ended = false

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#ended) throw new Error('the other end has gone')
    const reader = this.#reader
    if (reader !== undefined) {
      this.#reader = undefined
      return reader(bytes)
    }
    this.#pieces.push(bytes)
    return new Promise(resolve => this.#writers.push(resolve))
  }

  read(): Promise<Uint8Array | undefined> {
    const piece = this.#pieces.shift()
    if (piece !== undefined || this.#ended) {
      this.#writers.shift()?.()
      return Promise.resolve(piece)
    }
    return new Promise(resolve => (this.#reader = resolve))
  }

  end(): void {
    this.#ended = true
    this.#reader?.(undefined)
    for (const writer of this.#writers.splice(0)) writer()
  }
}

/** Two ends in memory; what one writes the other reads. */
export const agentTransportPair = (): readonly [AgentTransport, AgentTransport] => {
  const [there, back] = [new Way(), new Way()]
  const close = (): void => {
    there.end()
    back.end()
  }
  const end = (out: Way, into: Way): AgentTransport => ({ write: bytes => out.write(bytes), read: () => into.read(), close })
  return [end(there, back), end(back, there)]
}

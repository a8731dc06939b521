// Owns what the network is asked for while sessions come and go: interactive as long as one has a terminal, bulk otherwise. Knows
// nothing of sessions, and of the network only one byte.
import type { ByteTransport } from '../io/transport.ts'

/** The byte of IP's header for sessions with a terminal and for all others; below 0 it is left as it is. */
export interface IpQuality {
  readonly interactive: number
  readonly bulk: number
}

/** The wish of one connection, by the sessions it has. */
export class QualityOfSessions {
  readonly #transport: Pick<ByteTransport, 'mark'>
  readonly #quality: IpQuality
  #interactive = 0

  constructor(transport: Pick<ByteTransport, 'mark'>, quality: IpQuality) {
    this.#transport = transport
    this.#quality = quality
  }

  /** A session began. Returns what is to be called when it has ended. */
  begun(withTerminal: boolean): () => void {
    if (withTerminal) this.#interactive++
    this.#mark()
    return () => {
      if (!withTerminal) return
      this.#interactive--
      this.#mark()
    }
  }

  #mark(): void {
    const byte = this.#interactive > 0 ? this.#quality.interactive : this.#quality.bulk
    if (byte >= 0) this.#transport.mark?.(byte)
  }
}

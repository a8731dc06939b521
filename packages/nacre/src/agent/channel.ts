// Owns a channel as the way between an agent and a client, from either end. Knows nothing of what is said over it.
import type { ChannelStream } from '../io/channel-stream.ts'
import type { AgentTransport } from './transport.ts'

/** A channel as a transport. What nobody reads stays at the peer, but for a window of it. */
export const channelAgentTransport = (stream: ChannelStream): AgentTransport => {
  const pieces: { readonly bytes: Uint8Array; readonly taken: () => void }[] = []
  let ended: { readonly error: Error | undefined } | undefined
  let wake = (): void => {}
  stream.tap({
    data(bytes, detached) {
      const { promise, resolve } = Promise.withResolvers<void>()
      pieces.push({ bytes: detached ? bytes : bytes.slice(), taken: resolve })
      wake()
      return promise
    },
    end(error) {
      ended = { error }
      wake()
    },
  })
  return {
    write: bytes => stream.write(bytes),
    async read() {
      while (pieces.length === 0 && ended === undefined) await new Promise<void>(resolve => (wake = resolve))
      const piece = pieces.shift()
      if (piece === undefined) {
        if (ended?.error !== undefined) throw ended.error
        return undefined
      }
      piece.taken()
      return piece.bytes
    },
    close: () => stream.close(),
  }
}

// Owns transports made of Web Streams: a pair of streams, which is what Deno, Bun, WebTransport and many libraries offer.
import { type ByteTransport, fromPull, type RemoteAddress } from './transport.ts'

/** Any readable and writable of bytes, e.g. an SSH channel: SSH runs over it. */
export interface DuplexStreams {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}

export const fromStreams = ({ readable, writable }: DuplexStreams, remote?: RemoteAddress): ByteTransport => {
  const reader = readable.getReader()
  const writer = writable.getWriter()
  return fromPull(
    {
      async read() {
        const { done, value } = await reader.read()
        return done ? undefined : value
      },
      // The engine reuses its buffers, and a stream may keep what it is given.
      write: bytes => writer.write(bytes.slice()),
      async close() {
        await Promise.allSettled([writer.close(), reader.cancel()])
      },
    },
    remote,
  )
}

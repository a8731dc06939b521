// Owns -W: standard input and output joined to a host and port, or a Unix socket, that the server reaches. Knows nothing of how we got there.
import type { ChannelStream, ClientConnection, DialTarget, UnixPlace } from 'nacre'
import type { Environment } from '../environment.ts'
import { relayInput, writerTo } from './relay.ts'

/** Resolves when both directions have ended, or the channel has gone; rejects when the connection was lost. */
const joined = async (stream: ChannelStream, environment: Environment): Promise<void> => {
  const write = writerTo(environment.stdout)
  // A reader of ours that went away is an end of all.
  environment.stdout.once('error', () => stream.abort())
  stream.tap({ data: (bytes, detached) => write(bytes, detached), end: () => {} })
  const input = relayInput(
    {
      write: bytes => stream.write(bytes),
      end: () => stream.end(),
    },
    environment,
  )
  const lost = await stream.closed
  input.stop()
  if (lost !== undefined) throw lost
}

/** Joins them until the far side ends. The exit code, as OpenSSH's. */
export const forwardStdio = async (
  connection: ClientConnection,
  target: DialTarget | UnixPlace,
  environment: Environment,
  signal: AbortSignal,
): Promise<number> => {
  const stream = await connection.dial(target, { signal })
  const abort = (): void => stream.abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    await joined(stream, environment)
    return 0
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

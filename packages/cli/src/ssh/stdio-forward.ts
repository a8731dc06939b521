// Owns -W: standard input and output joined to a host and port that the server reaches. Knows nothing of how we got there.
import { type ChannelStream, type ClientConnection, type DialTarget, escapeForPeople, parseDialTarget, SshError } from 'nacre'
import type { Environment } from '../environment.ts'
import { UsageError } from '../getopt.ts'
import { relayInput, writerTo } from './relay.ts'

/** The argument of -W. Throws `UsageError`. */
export const readForwardTarget = (text: string): DialTarget => {
  if (text.startsWith('/')) throw new UsageError(`-W ${escapeForPeople(text)}: sockets by their path are not supported by this version`)
  try {
    return parseDialTarget(text)
  } catch (error) {
    throw new UsageError(`-W: ${error instanceof SshError ? error.message : String(error)}`)
  }
}

/** Resolves when both directions have ended, or the channel has gone; rejects when the connection was lost. */
const joined = async (stream: ChannelStream, environment: Environment): Promise<void> => {
  const write = writerTo(environment.stdout)
  // A reader of ours that went away is an end of all.
  environment.stdout.once('error', () => stream.abort())
  stream.tap({ data: (bytes, detached) => write(bytes, detached), end: () => {} })
  const stop = relayInput(
    {
      write: bytes => stream.write(bytes),
      close: () => stream.abort(),
      end: () => stream.end(),
    },
    environment,
  )
  const lost = await stream.closed
  stop()
  if (lost !== undefined) throw lost
}

/** Joins them until the far side ends. The exit code, as OpenSSH's. */
export const forwardStdio = async (
  connection: ClientConnection,
  target: DialTarget,
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

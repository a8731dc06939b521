// Owns reaching a host over TCP from Node as a transport. Knows nothing of SSH.
import { setTimeout as later } from 'node:timers/promises'
import { ConnectError } from '../errors.ts'
import { fromSocketWithTarget, onreadFor, type ReadTarget } from '../io/node-socket.ts'
import { connectTcp, type TcpOptions } from '../io/tcp-node.ts'
import type { ByteTransport } from '../io/transport.ts'

export type DialOptions = TcpOptions

/** A connected transport with TCP_NODELAY. Rejects with `ConnectError`, or with the reason of `signal`. */
export const dial = async (options: DialOptions): Promise<ByteTransport> => {
  const target: ReadTarget = { sink: undefined }
  return fromSocketWithTarget(await connectTcp(options, { onread: onreadFor(target) }), target)
}

const betweenAttempts = 1000

/** `dial`, up to `attempts` times, a second apart. Rejects with what was wrong the last time. */
export const dialAgain = async (attempts: number, options: DialOptions): Promise<ByteTransport> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await dial(options)
    } catch (error) {
      if (attempt >= attempts || !(error instanceof ConnectError)) throw error
    }
    await later(betweenAttempts, undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() => {})
    options.signal?.throwIfAborted()
  }
}

// Owns reaching a host over TCP from Node as a transport. Knows nothing of SSH.
import { fromSocketWithTarget, onreadFor, type ReadTarget } from '../io/node-socket.ts'
import { connectTcp, type TcpOptions } from '../io/tcp-node.ts'
import type { ByteTransport } from '../io/transport.ts'

export type DialOptions = TcpOptions

/** A connected transport with TCP_NODELAY. Rejects with `ConnectError`, or with the reason of `signal`. */
export const dial = async (options: DialOptions): Promise<ByteTransport> => {
  const target: ReadTarget = { sink: undefined }
  return fromSocketWithTarget(await connectTcp(options, { onread: onreadFor(target) }), target)
}

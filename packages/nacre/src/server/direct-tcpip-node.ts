// Owns serving `direct-tcpip` with TCP connections of this machine. Knows nothing of who may have them.
import { joinSocket } from '../io/socket-join-node.ts'
import { connectTcp } from '../io/tcp-node.ts'
import { directTcpipBy, type DirectTcpipRules } from './direct-tcpip.ts'
import { lookupInTurn } from '../io/lookup-node.ts'

/** One queue for all servers of a process, as there is one set of threads. */
const lookup = lookupInTurn()

export interface DirectTcpipOptions<Identity> extends Pick<DirectTcpipRules<Identity>, 'permit' | 'onOutcome'> {
  /** Milliseconds until a connection must stand, the look-up of the name included. Default 30 s. */
  readonly timeout?: number
  /** 4 or 6 to use only that. */
  readonly family?: 0 | 4 | 6
}

/**
 * The handler that lets clients reach hosts from here: `channels: { 'direct-tcpip': directTcpip({ permit }) }`. Without it a
 * server refuses. `permit` says which: its requests hold text from the client.
 */
export const directTcpip = <Identity = unknown>({
  permit,
  onOutcome,
  timeout,
  family,
}: DirectTcpipOptions<Identity>): ReturnType<typeof directTcpipBy<Identity>> =>
  directTcpipBy<Identity>({
    permit,
    ...(onOutcome === undefined ? {} : { onOutcome }),
    async connect({ host, port }, signal) {
      const options = { host, port, signal, ...(timeout === undefined ? {} : { timeout }), ...(family === undefined ? {} : { family }) }
      const socket = await connectTcp(options, { allowHalfOpen: true, lookup })
      // Nobody listens yet; what fails now is found when it is joined.
      socket.on('error', () => {})
      return {
        join: stream => joinSocket(stream, socket),
        discard: () => void socket.destroy(),
      }
    },
  })

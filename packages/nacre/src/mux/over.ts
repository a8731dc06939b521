// Owns a client's connection over a connection that another process has made and shares: proxy mode, and on it everything a
// `ClientConnection` can do. Knows no sockets and no files.
import { connectionRows } from '../connection/rows.ts'
import { defaultLimits } from '../connection/limits.ts'
import { defaults } from '../engine/config.ts'
import { SharedEngine } from '../engine/shared.ts'
import type { LocalSockets } from '../forward/sockets.ts'
import type { LocalFiles } from '../sftp/transfer/local.ts'
import { systemClock } from '../io/clock.ts'
import { Link } from '../io/link.ts'
import type { ByteTransport } from '../io/transport.ts'
import type { ReachAgent } from '../client/agent-forward.ts'
import { ClientConnection } from '../client/connection.ts'
import { ServedChannels } from '../client/served-channels.ts'
import { Control, type ControlOptions, requestsExtension, versionExtension } from './control.ts'

export interface SharedOptions extends ControlOptions {
  /** Who the connection is logged in as, if known: the protocol does not tell. */
  readonly user?: string
  readonly localFiles?: () => Promise<LocalFiles>
  readonly sockets?: () => Promise<LocalSockets>
  /** Opens the way to the agent at a path, or to the usual one, for sessions that lend it. */
  readonly reachAgent?: ReachAgent
  /** Lets go of the transport without ending it, for as long as the master lives. Default: it is closed, whatever comes of that. */
  readonly leaveOpen?: () => void
}

/**
 * OpenSSH's master ends when a client leaves to which the server has refused a channel (its end of that channel is never freed, and is
 * then to be closed). Such a client does not leave.
 */
const staying = (transport: ByteTransport, refused: () => number, leaveOpen: () => void): ByteTransport => ({
  remote: transport.remote,
  start: sink => transport.start(sink),
  write: (bytes, taken) => transport.write(bytes, taken),
  gather: () => transport.gather?.(),
  flush: () => transport.flush?.(),
  pause: () => transport.pause(),
  resume: () => transport.resume(),
  close: deserted => (refused() > 0 ? leaveOpen() : transport.close(deserted)),
})

/**
 * A connection over the master at the other end of `transport`. Nothing is exchanged with the server until something is opened.
 * Closing it closes what it opened, and leaves the shared connection to others. Rejects with `ShareError`.
 */
export const connectSharedOver = async (transport: ByteTransport, options: SharedOptions): Promise<ClientConnection> => {
  const control = await Control.over(transport, options)
  const proxied = await control.proxy()
  const stock = !control.extensions.has(requestsExtension)
  const served = new ServedChannels()
  const engine = new SharedEngine({
    connection: { role: 'client', limits: defaultLimits, rows: connectionRows() },
    highWater: defaults.highWater,
    requests: stock ? 'openssh' : 'all',
  })
  const { leaveOpen } = options
  const link = new Link(
    engine,
    stock && leaveOpen !== undefined ? staying(proxied, () => engine.refused, leaveOpen) : proxied,
    {
      question: question => question.fail(new TypeError('a shared connection asks nothing')),
      openRequested: question => served.requested(question),
      globalRequested: question => question.fail(),
      noted: () => {},
      ended: () => {},
    },
    options.clock,
  )
  link.start()
  return new ClientConnection(link, {
    user: options.user ?? '',
    hostKey: undefined,
    serverVersion: control.extensions.get(versionExtension) ?? '',
    banner: '',
    served,
    localFiles: options.localFiles,
    sockets: options.sockets,
    forwarding: {
      proof: undefined,
      reach: options.reachAgent,
      random: bytes => void globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      clock: options.clock ?? systemClock,
    },
  })
}

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
import { ClientConnection } from '../client/connection.ts'
import { ServedChannels } from '../client/served-channels.ts'
import { Control, type ControlOptions, requestsExtension, versionExtension } from './control.ts'

export interface SharedOptions extends ControlOptions {
  /** Who the connection is logged in as, if known: the protocol does not tell. */
  readonly user?: string
  readonly localFiles?: () => Promise<LocalFiles>
  readonly sockets?: () => Promise<LocalSockets>
}

/**
 * A connection over the master at the other end of `transport`. Nothing is exchanged with the server until something is opened.
 * Closing it closes what it opened, and leaves the shared connection to others. Rejects with `ShareError`.
 */
export const connectSharedOver = async (transport: ByteTransport, options: SharedOptions): Promise<ClientConnection> => {
  const control = await Control.over(transport, options)
  const way = await control.proxy()
  const served = new ServedChannels()
  const engine = new SharedEngine({
    connection: { role: 'client', limits: defaultLimits, rows: connectionRows() },
    highWater: defaults.highWater,
    requests: control.extensions.has(requestsExtension) ? 'all' : 'openssh',
  })
  const link = new Link(
    engine,
    way,
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
      reach: undefined,
      random: bytes => void globalThis.crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>),
      clock: options.clock ?? systemClock,
    },
  })
}

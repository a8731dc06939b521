// Owns using a shared connection on Node by the path of its socket. Knows nothing of ssh_config, or of how one comes to be shared.
import type { ClientConnection } from '../client/connection.ts'
import { Control } from './control.ts'
import { connectSharedOver } from './over.ts'
import { connectUnix, type UnixLine } from './unix-node.ts'

export interface ConnectSharedOptions {
  /** Who the connection is logged in as, if known. */
  readonly user?: string
  /** Milliseconds until the master has greeted. Default 10 s. */
  readonly timeout?: number
}

/**
 * A connection over the one that is shared at `path` (ControlPath), by OpenSSH's `ssh` or by `shareConnection`. It costs nothing of
 * the network. Rejects with `ShareError`, `SHARE_NO_MASTER` where nobody listens.
 */
export const connectShared = async (path: string, options: ConnectSharedOptions = {}): Promise<ClientConnection> =>
  await over(await connectUnix(path), path, options)

const over = async ({ transport, leaveOpen }: UnixLine, path: string, options: ConnectSharedOptions): Promise<ClientConnection> =>
  await connectSharedOver(transport, {
    path,
    ...options,
    leaveOpen,
    reachAgent: async place => await (await import('../agent/openssh-node.ts')).reachAgent(place),
    localFiles: async () => (await import('../sftp/transfer/local-node.ts')).localNode,
    sockets: async () => (await import('../forward/sockets-node.ts')).nodeSockets(),
  })

/** A line to who shares the connection at `path`: to ask whether it lives, to end it, for forwards. Rejects with `ShareError`. */
export const controlMaster = async (path: string, options: { readonly timeout?: number } = {}): Promise<Control> =>
  await Control.over((await connectUnix(path)).transport, { path, ...options })

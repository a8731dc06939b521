// Owns `keepForwards` with Node's sockets. Knows nothing of what is kept.
import { nodeSockets } from '../forward/sockets-node.ts'
import { keepForwards as keep, type KeepForwardsOptions, type KeptForwards } from './keep-forwards.ts'

/**
 * Keeps forwards up: connects, and connects again when the connection is lost, until closed. Resolves once everything at this end
 * listens, whether or not there is a connection yet. Rejects with `ForwardError` when something cannot listen.
 */
export const keepForwards = async (options: KeepForwardsOptions): Promise<KeptForwards> =>
  await keep({ sockets: async () => nodeSockets(), ...options })

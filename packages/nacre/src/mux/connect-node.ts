// Owns connecting as `connect` does, but over a connection that is shared already where ssh_config names one (ControlPath). Knows
// nothing of the protocol.
import type { ClientSettings } from '../config/client-config.ts'
import { optionLine } from '../config/option-line.ts'
import { readOpensshConfig } from '../client/config-node.ts'
import { type ConfiguredOptions, connect } from '../client/connect-node.ts'
import type { ClientConnection } from '../client/connection.ts'
import { type Destination, parseDestination } from '../client/destination.ts'
import { ShareError } from '../errors.ts'
import { connectShared } from './shared-node.ts'

const settingsOf = async ({ host, user, port }: Destination, { config, ...options }: ConfiguredOptions): Promise<ClientSettings> => {
  if (typeof config === 'object' && 'decidedBy' in config) return config
  const files = typeof config === 'object' ? config : {}
  const [as, at] = [options.user ?? user, options.port ?? port]
  const letters = [as === undefined ? [] : [optionLine('User', as)], at === undefined ? [] : [optionLine('Port', String(at))]]
  return await readOpensshConfig(host, { ...files, options: [...letters.flat(), ...(files.options ?? [])] })
}

/**
 * As `connect`; where ssh_config names a ControlPath for the host, and somebody shares a connection there, over that one: without a
 * login, and without a look at the host key, which who shares has seen (`connection.shared`). ControlMaster `yes` and `ask` want a
 * connection of their own. Rejects like `connect`, or with `ShareError` when who shares refuses.
 */
export const connectOrJoin = async (destination: string | Destination, options: ConfiguredOptions = {}): Promise<ClientConnection> => {
  const parsed = typeof destination === 'string' ? parseDestination(destination) : destination
  const settings = await settingsOf(parsed, options)
  const { controlPath, controlMaster, user } = settings.config
  const wants = controlPath !== undefined && controlPath.toLowerCase() !== 'none' && controlMaster !== 'yes' && controlMaster !== 'ask'
  if (wants)
    try {
      return await connectShared(settings.expand(controlPath, 'path'), { user })
    } catch (error) {
      if (!(error instanceof ShareError) || error.code === 'SHARE_REFUSED') throw error
      options.onNote?.(error.message)
    }
  return await connect(parsed, { ...options, config: settings })
}

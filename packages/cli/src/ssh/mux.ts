// Owns how `ssh` shares connections: whether one is there already (ControlPath), whether ours becomes one (ControlMaster), and how long
// it stays (ControlPersist). Knows nothing of the protocol, or of sessions.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { type ClientConnection, connectShared, controlMaster, escapeForPeople, ShareError } from 'nacre'
import { UsageError } from '../getopt.ts'
import { control, controlForwards } from './mux-control.ts'
import type { MuxParts, Sharing } from './mux-parts.ts'
import type { SshConfig } from './options.ts'

const masterMark = 'NACRE_SSH_MASTER'

/** The socket, or nothing where none is said. */
const pathOf = ({ config: { controlPath }, expand }: SshConfig): string | undefined =>
  controlPath === undefined || controlPath.toLowerCase() === 'none' ? undefined : expand(controlPath, 'path')

const alone: Sharing = { is: 'own', share: async () => {} }

const systemCode = (error: unknown): string | undefined => {
  const cause = error instanceof ShareError ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
}

/** A connection that is shared already, for programs that only use what is there. */
export const joinShared = async (parts: MuxParts): Promise<ClientConnection | undefined> => {
  const path = pathOf(parts.settings)
  const { controlMaster: master } = parts.settings.config
  return path === undefined || master === 'yes' || master === 'ask' ? undefined : await joinMaster(parts, path)
}

/** Tries who listens at the socket. Undefined when nobody does, or it does not do what is asked: then we connect ourselves. */
const joinMaster = async ({ settings, log }: MuxParts, path: string): Promise<ClientConnection | undefined> => {
  const { config } = settings
  try {
    await controlForwards(() => controlMaster(path, patience(settings)), settings, false)
    const connection = await connectShared(path, { user: config.user, ...patience(settings) })
    log.debug(`the connection shared at ${escapeForPeople(path)} is used`)
    return connection
  } catch (error) {
    if (!(error instanceof ShareError)) throw error
    const code = systemCode(error)
    if (code === 'ECONNREFUSED' && config.controlMaster !== 'no')
      log.debug(`nobody listens at the socket ${escapeForPeople(path)} any more; ours will replace it`)
    else if (code === 'ENOENT') log.debug(`no connection is shared at ${escapeForPeople(path)}`)
    else log.say('ERROR', error.message)
    return undefined
  }
}

const patience = ({ config: { connectTimeout } }: SshConfig): { readonly timeout?: number } =>
  connectTimeout === 'none' || connectTimeout === 0 ? {} : { timeout: connectTimeout * 1000 }

/** In the process that stays for ControlPersist. */
const persistent = (parts: MuxParts, path: string): Sharing => {
  const { controlPersist } = parts.settings.config
  const idle = typeof controlPersist === 'number' && controlPersist > 0 ? controlPersist * 1000 : undefined
  return {
    is: 'master',
    async share(connection, forwards) {
      const { share } = await import('./mux-master.ts')
      // Without its socket there is nothing to stay for: whoever started us uses who is there.
      if ((await share(parts, connection, path, { forwards, idle, quietly: true })) === undefined) await connection.close()
    },
  }
}

/**
 * What sharing makes of this call, before anything is connected. Throws `UsageError` for `-O` without a socket, and `ShareError` when
 * who is asked by `-O` does not answer.
 */
export const planSharing = async (parts: MuxParts): Promise<Sharing> => {
  const { command, settings, log } = parts
  const { config } = settings
  const path = pathOf(settings)
  const asked = command.line.last('O')
  if (path === undefined) {
    if (asked !== undefined) throw new UsageError('No ControlPath specified for "-O" command')
    return alone
  }
  if (asked !== undefined) return await control(asked, path, parts)
  if (process.env[masterMark] !== undefined) {
    delete process.env[masterMark]
    return persistent(parts, path)
  }
  if (config.controlMaster === 'no' || config.controlMaster === 'auto' || config.controlMaster === 'autoask') {
    const connection = await joinMaster(parts, path)
    if (connection !== undefined) return { is: 'shared', connection }
  }
  if (config.controlMaster === 'no') return alone
  if (!existsSync(dirname(path))) {
    log.say('ERROR', `The connection is not shared: there is no such folder as that of ControlPath ${escapeForPeople(path)}.`)
    return alone
  }
  if (config.controlPersist !== 'no') return await persist(parts, path)
  return {
    is: 'own',
    async share(connection, forwards) {
      const { share } = await import('./mux-master.ts')
      await share(parts, connection, path, { forwards })
    },
  }
}

/** Has another process of ours make the connection, which then stays; here it is used like any that is shared. */
const persist = async ({ settings: { config } }: MuxParts, path: string): Promise<Sharing> => {
  const { goToBackground } = await import('./background.ts')
  const code = await goToBackground({ [masterMark]: '1' })
  if (code !== 0) return { is: 'done', code }
  return { is: 'shared', connection: await connectShared(path, { user: config.user }) }
}

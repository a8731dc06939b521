// Owns a running `ssh-agent`: the agent, its socket, and the signals that end it or drop its keys. Knows nothing of the command
// line or of how it got into the background.
import { realpathSync } from 'node:fs'
import { escapeForPeople, SshError } from 'nacre'
import { type Agent, createAgent, type KeyUse, listenAgent, type ListeningAgent } from 'nacre/agent'
import { nodeCrypto } from 'nacre/crypto/node'
import { matchesPatternList } from 'nacre/keys'
import { askPermission } from '../askpass.ts'
import type { Environment } from '../environment.ts'
import { systemText } from '../fatal.ts'
import type { SshAgentSettings } from './options.ts'
import { placeAtHome, placeInNewFolder, placeNamed, removeStale, type SocketPlace } from './place.ts'

const question = (settings: SshAgentSettings, { publicKey, comment, user }: KeyUse): string => {
  const what = `Allow use of key ${escapeForPeople(comment)}?\nKey fingerprint ${publicKey.fingerprint(settings.hash)}.`
  const whom = user === undefined ? '' : `\npublic key authentication request for user "${escapeForPeople(user)}" to listed host`
  return what + whom
}

const provider = (settings: SshAgentSettings, path: string): string | undefined => {
  try {
    const real = realpathSync(path)
    return matchesPatternList(settings.providers, real) ? real : undefined
  } catch {
    return undefined
  }
}

const makeAgent = (settings: SshAgentSettings, { variables, stderr }: Environment): Agent =>
  createAgent({
    crypto: nodeCrypto(),
    websafe: settings.websafe,
    allowRemoteProviders: settings.allowRemoteProviders,
    resolveProvider: path => provider(settings, path),
    confirm: use => askPermission(question(settings, use), variables),
    ...(settings.lifetime === undefined ? {} : { lifetime: settings.lifetime }),
    ...(settings.debug ? { onNote: (note: string) => void stderr.write(`debug1: ${note}\r\n`) } : {}),
  })

const findPlace = async (settings: SshAgentSettings, { variables }: Environment, pid: number): Promise<SocketPlace> => {
  if (settings.path !== undefined && !settings.temporary) return placeNamed(settings.path)
  if (settings.temporary) return placeInNewFolder(variables.TMPDIR, pid)
  if (!settings.keepStale) await removeStale(false)
  return placeAtHome()
}

/** A socket that was handed to us (sd_listen_fds(3)), by its descriptor; `undefined` when there is none. Throws `SshError`. */
export const handedSocket = ({ variables }: Environment): number | undefined => {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = variables
  if (pid === undefined || count === undefined) return undefined
  if (count !== '1') throw new SshError('LISTEN_FDS', `unexpected LISTEN_FDS contents (want: "1" got "${escapeForPeople(count)}")`)
  if (Number(pid) !== process.pid) throw new SshError('LISTEN_PID', `bad LISTEN_PID: ${escapeForPeople(pid)} vs pid ${process.pid}`)
  return 3
}

export interface RunningAgent {
  readonly path: string | undefined
  /** Resolves with the name of the signal that ended it, after which nothing is left of it. */
  readonly ended: Promise<NodeJS.Signals>
  close(): Promise<void>
}

/**
 * Serves until a signal comes or it is closed. `pid` is in the name of a temporary socket. `interrupts`: SIGINT ends it too; else it
 * is ignored. Throws `SshError` when there can be no socket.
 */
export const startServing = async (
  settings: SshAgentSettings,
  environment: Environment,
  options: { readonly pid: number; readonly descriptor?: number | undefined; readonly interrupts: boolean },
): Promise<RunningAgent> => {
  const agent = makeAgent(settings, environment)
  // First of all: without a listener Node would open its debugger at this signal. Windows has none, and Node says so by throwing.
  if (process.platform !== 'win32') process.on('SIGUSR1', () => agent.removeAll())
  const place = options.descriptor === undefined ? await findPlace(settings, environment, options.pid) : undefined
  let listening: ListeningAgent
  try {
    listening = await listenAgent(agent, place === undefined ? { descriptor: options.descriptor ?? 3 } : place.path, {
      onStranger: user => void environment.stderr.write(`uid mismatch: peer euid ${user} != uid ${process.getuid?.()}\r\n`),
    })
  } catch (error) {
    place?.leave()
    throw new SshError('SOCKET', `unix_listener: cannot bind to path ${place?.path ?? 'given'}: ${systemText(error)}`, { cause: error })
  }
  const close = async (): Promise<void> => {
    await listening.close()
    place?.leave()
    agent.removeAll()
  }
  const { promise: ended, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const end = (signal: NodeJS.Signals): void => void close().then(() => resolve(signal))
  process.on('SIGTERM', end)
  process.on('SIGHUP', end)
  process.on('SIGINT', options.interrupts ? end : () => {})
  return { path: listening.path, ended, close }
}

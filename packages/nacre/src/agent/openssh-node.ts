// Owns reaching an agent on Node: by its Unix socket or, on Windows, by the named pipe of OpenSSH's agent or of Pageant. Knows
// nothing of the messages.
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { ownAccount } from '../io/own-account-node.ts'
import { AgentError } from '../errors.ts'
import { AgentClient } from './client.ts'
import { socketTransport } from './socket-node.ts'
import type { AgentTransport } from './transport.ts'

const pipes = '\\\\.\\pipe\\'
/** Where the agent of Windows' OpenSSH is. */
const windowsAgent = `${pipes}openssh-ssh-agent`

/** Among the names of all pipes of the machine, that of the user's Pageant: `pageant.`, the user, and a hash only Windows can tell. */
export const pageantPipe = (names: readonly string[], user: string): string | undefined => {
  const start = `pageant.${user}.`.toLowerCase()
  const found = names.find(name => name.toLowerCase().startsWith(start) && /^[0-9a-f]{64}$/i.test(name.slice(start.length)))
  return found === undefined ? undefined : pipes + found
}

/** What a machine says of agents. */
export interface AgentSurroundings {
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly platform: string
  /** Names of all pipes, and whose agent is meant; both are asked for on Windows only. */
  readonly pipes: () => readonly string[]
  readonly user: () => string
}

const here: AgentSurroundings = {
  variables: process.env,
  platform: process.platform,
  pipes: () => readdirSync(pipes),
  user: () => ownAccount().username,
}

/**
 * Where an agent may be when nobody says where, first things first: at SSH_AUTH_SOCK; where that is not set, on Windows, at the
 * pipe of OpenSSH's agent, then at Pageant's.
 */
export const usualAgents = ({ variables, platform, pipes: names, user }: AgentSurroundings = here): readonly string[] => {
  const named = variables.SSH_AUTH_SOCK
  if (named !== undefined && named !== '') return [named]
  if (platform !== 'win32') return []
  const pageant = pageantPipe(names(), user())
  return pageant === undefined ? [windowsAgent] : [windowsAgent, pageant]
}

const reached = async (path: string): Promise<AgentTransport> => {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', cause => reject(new AgentError('AGENT_UNREACHABLE', `No agent answers at ${path}: ${cause.message}`, { cause })))
  })
  socket.removeAllListeners('error')
  return socketTransport(socket, { idle: true })
}

/**
 * The way to the agent at `path` (a Unix socket, or a named pipe on Windows); without one, to the first of `usualAgents` that
 * answers. Throws `AgentError` AGENT_UNREACHABLE.
 */
export const reachAgent = async (path?: string): Promise<AgentTransport> => {
  const places = path === undefined ? usualAgents() : path === '' ? [] : [path]
  let failure: unknown
  for (const place of places) {
    try {
      return await reached(place)
    } catch (error) {
      failure ??= error
    }
  }
  throw failure ?? new AgentError('AGENT_UNREACHABLE', 'No agent is running here: SSH_AUTH_SOCK is not set.')
}

/**
 * Connects to the agent at `path` (a Unix socket, or a named pipe on Windows); without one, to the first of `usualAgents` that
 * answers. Throws `AgentError` AGENT_UNREACHABLE.
 */
export const connectAgent = async (path?: string): Promise<AgentClient> => new AgentClient(await reachAgent(path))

/**
 * Connects to Pageant of PuTTY 0.75 or later, which has a named pipe. Throws `AgentError` AGENT_UNREACHABLE where there is none,
 * and anywhere but on Windows.
 */
export const connectPageant = async (): Promise<AgentClient> => {
  if (process.platform !== 'win32')
    throw new AgentError('AGENT_UNREACHABLE', 'Pageant is an agent for Windows. Here, agents are reached by the socket in SSH_AUTH_SOCK.')
  const path = pageantPipe(here.pipes(), here.user())
  if (path === undefined)
    throw new AgentError('AGENT_UNREACHABLE', 'Pageant is not running, or is older than PuTTY 0.75, which was the first to have a pipe.')
  return new AgentClient(await reached(path))
}

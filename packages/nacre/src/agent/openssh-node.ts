// Owns reaching an agent on Node: by its Unix socket or, on Windows, by the named pipe of OpenSSH's agent or of Pageant. Knows
// nothing of the messages.
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { AgentError } from '../errors.ts'
import { AgentClient } from './client.ts'
import { socketTransport } from './socket-node.ts'

const pipes = '\\\\.\\pipe\\'
/** Where the agent of Windows' OpenSSH is. */
const windowsAgent = `${pipes}openssh-ssh-agent`

const usualPath = (): string | undefined => process.env.SSH_AUTH_SOCK ?? (process.platform === 'win32' ? windowsAgent : undefined)

/** Connects to the agent at `path` (a Unix socket, or a named pipe on Windows). Throws `AgentError` AGENT_UNREACHABLE. */
export const connectAgent = async (path: string | undefined = usualPath()): Promise<AgentClient> => {
  if (path === undefined || path === '') throw new AgentError('AGENT_UNREACHABLE', 'No agent is running here: SSH_AUTH_SOCK is not set.')
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', cause => reject(new AgentError('AGENT_UNREACHABLE', `No agent answers at ${path}: ${cause.message}`, { cause })))
  })
  socket.removeAllListeners('error')
  return new AgentClient(socketTransport(socket, { idle: true }))
}

/** Among the names of all pipes of the machine, that of the user's Pageant: `pageant.`, the user, and a hash only Windows can tell. */
export const pageantPipe = (names: readonly string[], user: string): string | undefined => {
  const start = `pageant.${user}.`.toLowerCase()
  const found = names.find(name => name.toLowerCase().startsWith(start) && /^[0-9a-f]{64}$/i.test(name.slice(start.length)))
  return found === undefined ? undefined : pipes + found
}

/**
 * Connects to Pageant of PuTTY 0.75 or later, which has a named pipe. Throws `AgentError` AGENT_UNREACHABLE where there is none,
 * and anywhere but on Windows.
 */
export const connectPageant = async (): Promise<AgentClient> => {
  if (process.platform !== 'win32')
    throw new AgentError('AGENT_UNREACHABLE', 'Pageant is an agent for Windows. Here, agents are reached by the socket in SSH_AUTH_SOCK.')
  const path = pageantPipe(readdirSync(pipes), userInfo().username)
  if (path === undefined)
    throw new AgentError('AGENT_UNREACHABLE', 'Pageant is not running, or is older than PuTTY 0.75, which was the first to have a pipe.')
  return connectAgent(path)
}

// Owns which agent `ssh` lends to the other end (ForwardAgent, -A, -a), and what it says when it cannot. Knows nothing of channels.
import { statSync } from 'node:fs'
import { type AgentForwarding, type ClientConnection, configuredOptions, escapeForPeople, ForwardError } from 'nacre'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'

/** The session's agent; `false` for none. Throws `ForwardError` where a socket is missing that has to be there (ExitOnForwardFailure). */
export const prepareAgentForward = (
  settings: SshConfig,
  connection: Pick<ClientConnection, 'untrusted'>,
  log: Log,
): AgentForwarding | false => {
  const { config } = settings
  if (!config.forwardAgent.forward) return false
  if (connection.untrusted) {
    log.say('ERROR', 'Agent forwarding is disabled to avoid man-in-the-middle attacks: the host key is not the known one.')
    return false
  }
  const { forwardAgent: agent = false } = configuredOptions(settings, destination => destination)
  if (agent === false || typeof agent === 'function' || typeof agent === 'object') {
    log.debug('no agent is forwarded: there is none here')
    return false
  }
  if (typeof agent === 'string' && config.forwardAgent.socket !== undefined) {
    try {
      statSync(agent)
    } catch (error) {
      const text = `Cannot forward agent socket path "${escapeForPeople(agent)}": ${(error as Error).message}`
      if (config.exitOnForwardFailure) throw new ForwardError('FORWARD_REFUSED', text)
      log.say('ERROR', text)
    }
  }
  return {
    agent,
    onRefused: () => log.debug('the server does not forward agents for this login, or has one of this connection already'),
    onNote: note => log.debug(`agent forwarding: ${escapeForPeople(note, { limit: 300 })}`),
  }
}

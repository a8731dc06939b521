// Owns what `ssh` gives to sessions that others open on the connection it shares, and what their escape sequences do: both as its own
// configuration says, as OpenSSH's master does. Knows nothing of how sessions come.
import { spawnSync } from 'node:child_process'
import type { ClientConnection, ShareOptions } from 'nacre'
import { sentEnvironment } from 'nacre/config'
import { modesFromStty } from '../stty.ts'
import { prepareAgentForward } from './agent-forward.ts'
import { escapeFilter } from './escapes.ts'
import type { MuxParts } from './mux-parts.ts'
import { aboutConnection, breakMilliseconds, listConnections } from './session-words.ts'
import type { TypedForwards } from './typed-command.ts'
import { prepareX11 } from './x11.ts'

/** Of a client's terminal, before the client changes them. */
const modesOf = (descriptor: number): Record<string, number> => {
  const { status, stdout } = spawnSync('stty', ['-a'], { stdio: [descriptor, 'pipe', 'ignore'], encoding: 'utf8', timeout: 5000 })
  return status === 0 ? modesFromStty(stdout) : {}
}

type PassengerParts = Pick<ShareOptions, 'terminalModes' | 'passengerSession' | 'passengerKeys'>

/** Clients get an agent or a display if they want one and we may lend ours, and of their variables those we would send. */
export const passengerOptions = (
  { settings, environment, log }: MuxParts,
  connection: ClientConnection,
  forwards: TypedForwards,
): PassengerParts => ({
  terminalModes: modesOf,
  async passengerSession({ agent, x11, environment: variables, show }) {
    const display = x11 ? await prepareX11(settings, connection, environment, log) : undefined
    return {
      forwardAgent: agent && prepareAgentForward(settings, connection, log),
      ...(display === undefined ? {} : { x11: { ...display, onRefused: () => show('X11 forwarding request failed\r\n') } }),
      env: sentEnvironment(settings.config, variables),
    }
  },
  passengerKeys: ({ process, character, show }) =>
    escapeFilter(character, {
      show,
      disconnect: () => process.close(),
      sendBreak: () => void process.break(breakMilliseconds).catch(() => {}),
      rekey: () => connection.rekey(),
      about: () => aboutConnection(connection, settings),
      connections: () => listConnections(connection, forwards),
      missing: shown => show(`${shown} escape not available to multiplexed sessions\r\n`),
    }),
})

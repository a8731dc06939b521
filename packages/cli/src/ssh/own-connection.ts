// Owns a connection of this program's own, where none is shared: reaching the host, logging in, and what `ssh` begins on it before any
// session. Most of what nacre is hangs on this file, so it is loaded when it is needed. Knows nothing of sessions.
import { type ClientConnection, connect } from 'nacre'
import type { Environment } from '../environment.ts'
import { type Forwards, startForwards } from './forwards.ts'
import { planConnection } from './hops.ts'
import { runLocalCommand } from './local-command.ts'
import type { Log } from './log.ts'
import type { SshCommand, SshConfig } from './options.ts'
import { startTunnel } from './tunnel.ts'

/** Reaches the host and logs in. Rejects with what went wrong. */
export const connectAnew = async (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): Promise<ClientConnection> => {
  const { destination, options } = await planConnection(command, settings, environment, log, signal)
  return await connect(destination, options)
}

/** Begins what is forwarded and the tunnel, if `forwarding`, and runs LocalCommand. */
export const beginOwn = async (
  connection: ClientConnection,
  settings: SshConfig,
  log: Log,
  { forwarding, signal }: { readonly forwarding: boolean; readonly signal: AbortSignal },
): Promise<Forwards | undefined> => {
  const forwards = forwarding ? await startForwards(connection, settings, log) : undefined
  const tunnel = forwards === undefined ? undefined : await startTunnel(connection, settings, log)
  await runLocalCommand(settings, signal, tunnel?.name)
  return forwards
}

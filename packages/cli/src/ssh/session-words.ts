// Owns what escape sequences tell of a connection: what it is, and what is open on it. Knows nothing of keys or terminals.
import { type ClientConnection, escapeForPeople } from 'nacre'
import type { SshConfig } from './options.ts'
import type { TypedForwards } from './typed-command.ts'

/** How long a BREAK lasts. */
export const breakMilliseconds = 1000

/** `~#`. */
export const listConnections = (connection: Pick<ClientConnection, 'channels'>, forwards: TypedForwards | undefined): string =>
  [
    'The following connections are open:',
    ...connection.channels.map(({ number, channelType }) => `  #${number} ${escapeForPeople(channelType, { limit: 64 })}`),
    ...(forwards?.describe() ?? []).map(line => `  ${line}`),
    '',
  ].join('\r\n')

/** `~I`. */
export const aboutConnection = (
  connection: Pick<ClientConnection, 'algorithms' | 'user' | 'serverVersion'>,
  { config }: SshConfig,
): string => {
  const agreed = connection.algorithms
  return [
    `${escapeForPeople(connection.user)}@${escapeForPeople(config.hostName)} port ${config.port}, ${escapeForPeople(connection.serverVersion)}`,
    ...(agreed === undefined
      ? []
      : [
          `  key exchange ${agreed.kex}, host key ${agreed.hostKey}`,
          `  to the server ${agreed.clientToServer.cipher}, from the server ${agreed.serverToClient.cipher}`,
        ]),
    '',
  ].join('\r\n')
}

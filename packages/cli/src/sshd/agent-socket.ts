// Owns the socket by which programs of a session reach the client's agent: in a folder of the account's that nobody else enters, gone
// with the session. Knows nothing of who may have one, nor of what is said over it.
import { escapeForPeople } from 'nacre'
import { type LocalConnection, nodeSockets, type SessionAgent } from 'nacre/server'
import { placeAtHome, placeInNewFolder, type SocketPlace } from '../ssh-agent/place.ts'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import { accountSockets } from './forward-sockets.ts'
import type { Log } from './log.ts'

/** Something a session's programs get, by their environment. */
export interface Lent {
  readonly env: Readonly<Record<string, string>>
  /** What the file that runs before a session's command reads, if one runs. */
  readonly forStart?: string
  /** Takes it away again. */
  close(): Promise<void>
}

/** Where the socket may be, as OpenSSH has had it: at home, and in a folder for all. */
const places: readonly ((account: Account) => SocketPlace)[] = [
  ({ home }) => placeAtHome(home, 'sshd'),
  () => placeInNewFolder(undefined, process.pid),
]

const told = (error: unknown): string => escapeForPeople(error instanceof Error ? error.message : String(error), { limit: 300 })

/** Each connection to the socket is one to the agent. `undefined` when there can be no socket, which the log tells. */
export const agentSocket = async (agent: SessionAgent, account: Account, log: Log): Promise<Lent | undefined> => {
  const join = (connection: LocalConnection): void => {
    agent.open().then(
      stream => connection.join(stream),
      (error: unknown) => {
        log.verbose(`a connection to the agent of the client was not made: ${told(error)}`)
        connection.discard()
      },
    )
  }
  const sockets = accountSockets(account, nodeSockets())
  const problems: string[] = []
  for (const choose of places) {
    try {
      const place = asUser(account, () => choose(account))
      const listening = await sockets.listen({ path: place.path }, {}, join)
      log.debug(`the agent of the client is at ${escapeForPeople(place.path)}`)
      return {
        env: { SSH_AUTH_SOCK: place.path },
        async close() {
          await listening.close()
          asUser(account, () => place.leave())
        },
      }
    } catch (error) {
      problems.push(told(error))
    }
  }
  log.error(`The agent of the client cannot be forwarded to ${account.name}: ${problems.join(' ')}`)
  return undefined
}

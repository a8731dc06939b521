// Owns the session of the accounts service that a connection's sessions run in: opened before the first of them, closed when the
// connection ends. Knows nothing of what runs.
import { escapeForPeople } from 'nacre'
import type { ServerConnection } from 'nacre/server'
import { type AccountSession, plainSession } from './accounts.ts'
import type { Log } from './log.ts'
import type { Login } from './login.ts'

/** There may be no session; `told` is for the person. */
export interface NoSession {
  readonly told: string
}

type Connection = Pick<ServerConnection<Login>, 'identity' | 'closed'>

const sessions = new WeakMap<Connection, Promise<AccountSession | NoSession>>()

const open = async ({ identity, closed }: Connection, log: Log): Promise<AccountSession | NoSession> => {
  const found = (await identity?.accounts?.open()) ?? plainSession
  if ('why' in found) {
    log.error(`No session for ${escapeForPeople(identity?.account.name ?? 'nobody')}: ${found.why}`)
    return { told: found.told ?? 'This account may have no session now.\n' }
  }
  const close = (): void => void found.close()
  void closed.then(close, close)
  return found
}

/** That of a connection, opened when it is first asked for. */
export const accountSessionOf = (connection: Connection, log: Log): Promise<AccountSession | NoSession> => {
  const opened = sessions.get(connection) ?? open(connection, log)
  sessions.set(connection, opened)
  return opened
}

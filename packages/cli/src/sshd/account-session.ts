// Owns the session of the accounts service that a connection's sessions run in: opened before the first of them, closed when the
// connection ends. Knows nothing of what runs.
import { escapeForPeople } from 'nacre'
import type { ServerConnection } from 'nacre/server'
import { type AccountSession, plainSession } from './accounts.ts'
import { authInfoLines, writeAuthInfo } from './auth-info.ts'
import type { Log } from './log.ts'
import type { Login } from './login.ts'

/** There may be no session; `told` is for the person. */
export interface NoSession {
  readonly told: string
}

export interface OpenedSession extends AccountSession {
  /** Variables that tell of the login; nothing replaces them. */
  readonly always: Readonly<Record<string, string>>
}

type Connection = Pick<ServerConnection<Login>, 'identity' | 'closed'>

const sessions = new WeakMap<Connection, Promise<OpenedSession | NoSession>>()

/** The file of ExposeAuthInfo, where it is asked for; without it a session is as good. */
const exposed = ({ holds, account }: Login, lines: readonly string[], log: Log): ReturnType<typeof writeAuthInfo> | undefined => {
  if (holds?.config.exposeAuthInfo !== true) return undefined
  try {
    return writeAuthInfo(account, lines)
  } catch (error) {
    log.error(`ExposeAuthInfo: no file could be written: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const open = async ({ identity, closed }: Connection, log: Log): Promise<OpenedSession | NoSession> => {
  const found = (await identity?.accounts?.open()) ?? plainSession
  if ('why' in found) {
    log.error(`No session for ${escapeForPeople(identity?.account.name ?? 'nobody')}: ${found.why}`)
    return { told: found.told ?? 'This account may have no session now.\n' }
  }
  const info = identity === undefined ? undefined : exposed(identity, authInfoLines(identity), log)
  const close = (): void => {
    info?.remove()
    void found.close()
  }
  void closed.then(close, close)
  return { ...found, always: info === undefined ? {} : { SSH_USER_AUTH: info.path } }
}

/** That of a connection, opened when it is first asked for. */
export const accountSessionOf = (connection: Connection, log: Log): Promise<OpenedSession | NoSession> => {
  const opened = sessions.get(connection) ?? open(connection, log)
  sessions.set(connection, opened)
  return opened
}

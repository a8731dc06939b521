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

/** Opens it at the first call. */
export const accountSessionOf = (
  { identity, closed }: Pick<ServerConnection<Login>, 'identity' | 'closed'>,
  log: Log,
): (() => Promise<AccountSession | NoSession>) => {
  let opened: Promise<AccountSession | NoSession> | undefined
  const open = async (): Promise<AccountSession | NoSession> => {
    const found = (await identity?.accounts?.open()) ?? plainSession
    if ('why' in found) {
      log.error(`No session for ${escapeForPeople(identity?.account.name ?? 'nobody')}: ${found.why}`)
      return { told: found.told ?? 'This account may have no session now.\n' }
    }
    const close = (): void => void found.close()
    void closed.then(close, close)
    return found
  }
  return () => (opened ??= open())
}

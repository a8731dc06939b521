// Owns the server of `npm start`: who may log in (the person who started it, by key or one-time password) and what the log
// says. Its sessions are those of `sshd`. Knows nothing of what is printed at the start.
import { createServer, firstOf, limit, type NodeServer, type OpenPty, password, publicKey } from 'nacre/server'
import { escapeForPeople } from 'nacre'
import type { Account } from '../sshd/account.ts'
import { plainAddress } from '../sshd/addresses.ts'
import { keyForLog, logEvent, logLogins } from '../sshd/connection-log.ts'
import { findKey } from '../sshd/key-check.ts'
import type { Log } from '../sshd/log.ts'
import { type Login, loginBy } from '../sshd/login.ts'
import { serveSessions } from '../sshd/sessions.ts'
import type { OneTimePassword } from './one-time-password.ts'
import type { OwnKey } from './own-keys.ts'
import type { State } from './state.ts'

export interface TryOutSetup {
  readonly state: State
  readonly account: Account
  /** Looked at for each login, so that a new key counts at once. */
  readonly ownKeys: () => readonly OwnKey[]
  readonly password: OneTimePassword
  readonly log: Log
  readonly openPty: OpenPty
}

/** More guesses than this a minute from one address are not looked at. */
const guesses = { attempts: 20, seconds: 60 }

/** A server for one person. */
export const createTryOutServer = (setup: TryOutSetup): NodeServer<Login> => {
  const { state, account, log } = setup
  const own = (user: string): boolean => user === account.name
  const rules = { files: [state.authorizedKeys.replaceAll('%', '%%')], strict: false }
  const byKey = publicKey((applicant, key) => {
    if (!own(applicant.user)) return undefined
    const shown = keyForLog(key.type, key.fingerprint())
    if (setup.ownKeys().some(each => each.key.equals(key.blob))) return loginBy(account, 0, { method: 'publickey', key: shown })
    const address = applicant.remote === undefined ? undefined : plainAddress(applicant.remote.address)
    const found = findKey(account, key.blob, address, rules, text => log.info(escapeForPeople(text)))
    return found === undefined ? undefined : loginBy(account, 0, { method: 'publickey', key: shown, options: found.options })
  })
  const byPassword = password((applicant, secret) =>
    own(applicant.user) && setup.password.use(secret) ? loginBy(account, 0, { method: 'password' }) : undefined,
  )
  return createServer({
    hostKeys: state.hostKeys,
    authenticate: logLogins(firstOf(byKey, limit(guesses, byPassword)), {
      log,
      quietFailures: Number.POSITIVE_INFINITY,
      known: async applicant => own(applicant.user),
    }),
    session: serveSessions({
      forceCommand: undefined,
      permitTty: true,
      subsystems: { sftp: 'internal-sftp' },
      internalScp: true,
      acceptEnv: ['LANG', 'LC_*', 'COLORTERM', 'NO_COLOR'],
      setEnv: {},
      printMotd: false,
      userEnvironment: 'no',
      timeZone: process.env.TZ,
      openPty: setup.openPty,
      log,
    }),
    onError: error => log.error(error instanceof Error ? error.message : String(error)),
    onEvent: (event, connection) => logEvent(log, event, connection),
  })
}

// Owns the environment a session's process gets: a fresh one, never the server's own. Knows nothing of processes.
import type { Account } from './account.ts'
import { plainAddress } from './addresses.ts'

export interface SessionFacts {
  readonly account: Account
  /** What the client set and the server accepts. */
  readonly accepted: Readonly<Record<string, string>>
  /** What the accounts of the system add (PAM's, for one). */
  readonly ofAccounts?: Readonly<Record<string, string>>
  /** What tells of the login and nothing replaces (SSH_USER_AUTH). */
  readonly always?: Readonly<Record<string, string>>
  /** Set by configuration (SetEnv). */
  readonly configured: Readonly<Record<string, string>>
  readonly remote:
    | { readonly address: string; readonly port: number; readonly localAddress: string; readonly localPort: number }
    | undefined
  readonly term: string | undefined
  /** The account's own (PermitUserEnvironment): what stands with the key that let it in, and in ~/.ssh/environment. */
  readonly own?: { readonly ofKey: Readonly<Record<string, string>>; readonly ofFile: Readonly<Record<string, string>> } | undefined
  /** What the client asked to run, when something else runs instead (ForceCommand). */
  readonly originalCommand: string | undefined
  /** The server's time zone, which its clients' processes share. */
  readonly timeZone: string | undefined
}

const userPath = '/usr/local/bin:/usr/bin:/bin:/usr/games'
const rootPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const unknown = { address: 'UNKNOWN', port: 65535, localAddress: 'UNKNOWN', localPort: 65535 }

/**
 * The variables OpenSSH's sshd sets. What the client sends comes first and can replace nothing; SetEnv may replace the
 * usual values; what tells of this connection is always true.
 */
export const sessionEnvironment = (facts: SessionFacts): Record<string, string> => {
  const { account } = facts
  const { port, localPort, ...from } = facts.remote ?? unknown
  const [address, localAddress] = [plainAddress(from.address), plainAddress(from.localAddress)]
  return {
    ...facts.accepted,
    USER: account.name,
    LOGNAME: account.name,
    HOME: account.home,
    PATH: account.uid === 0 ? rootPath : userPath,
    MAIL: `/var/mail/${account.name}`,
    SHELL: account.shell,
    ...(facts.timeZone === undefined ? {} : { TZ: facts.timeZone }),
    ...facts.own?.ofKey,
    ...facts.own?.ofFile,
    ...facts.ofAccounts,
    ...facts.configured,
    ...facts.always,
    SSH_CLIENT: `${address} ${port} ${localPort}`,
    SSH_CONNECTION: `${address} ${port} ${localAddress} ${localPort}`,
    ...(facts.term === undefined ? {} : { TERM: facts.term }),
    ...(facts.originalCommand === undefined ? {} : { SSH_ORIGINAL_COMMAND: facts.originalCommand }),
  }
}

/** The variables of a `~/.ssh/environment`: `NAME=value` a line, `#` for comments. Lines that are none are passed over. */
export const readEnvironmentFile = (text: string): readonly (readonly [string, string])[] =>
  text.split('\n').flatMap(raw => {
    const line = raw.replace(/^[ \t]+/, '')
    const equals = line.indexOf('=')
    return line.startsWith('#') || equals <= 0 || line.includes('\0') ? [] : [[line.slice(0, equals), line.slice(equals + 1)] as const]
  })

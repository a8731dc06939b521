// Owns what runs at the start of a session, before the shell or the command (sshd(8), SSHRC): the account's own file, or the
// system's. Knows nothing of who permits it.
import { existsSync } from 'node:fs'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'

const systemsOwn = '/etc/ssh/sshrc'

const hasOwn = (account: Account): boolean => {
  try {
    return asUser(account, () => existsSync(`${account.home}/.ssh/rc`))
  } catch {
    return false
  }
}

/**
 * Words of a shell in front of a command; empty when there is nothing to run. What it prints goes where the session's output goes.
 * It reads nothing: whoever lends a display finds it in xauth's list already.
 */
export const startOf = (account: Account, own: boolean, system = systemsOwn): string => {
  // The shell stands in the account's home.
  if (own && hasOwn(account)) return '/bin/sh .ssh/rc </dev/null; '
  return existsSync(system) ? `/bin/sh ${system} </dev/null; ` : ''
}

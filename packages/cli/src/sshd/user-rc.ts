// Owns what runs at the start of a session, before the shell or the command (sshd(8), SSHRC): the account's own file, or the
// system's. Knows nothing of who permits it.
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import type { Log } from './log.ts'

const systemsOwn = '/etc/ssh/sshrc'

const hasOwn = (account: Account): boolean => {
  try {
    return asUser(account, () => existsSync(`${account.home}/.ssh/rc`))
  } catch {
    return false
  }
}

/** The file to run, for a shell that stands in the account's home; `undefined` when there is none. */
export const startFile = (account: Account, own: boolean, system = systemsOwn): string | undefined => {
  if (own && hasOwn(account)) return '.ssh/rc'
  return existsSync(system) ? system : undefined
}

export interface SessionStart {
  /** In front of a command, for a shell; empty when there is nothing to run. */
  readonly words: string
  /** Takes away what the file would have read, in case it never ran. */
  leave(): void
}

const nothing: SessionStart = { words: '', leave() {} }

/**
 * Runs `file`, which reads `input`. What it prints goes where the session's output goes. The input may be a cookie: it is in a file of
 * the account's that is gone before the first line runs, never among the words of a command, which everybody can see.
 */
export const sessionStart = (account: Account, file: string | undefined, input?: string, log?: Log, folder = '/tmp'): SessionStart => {
  if (file === undefined) return nothing
  const without = { ...nothing, words: `/bin/sh ${file} </dev/null; ` }
  if (input === undefined) return without
  const path = `${folder}/ssh-${randomBytes(12).toString('hex')}`
  try {
    asUser(account, () => writeFileSync(path, input, { flag: 'wx', mode: 0o600 }))
  } catch (error) {
    log?.error(`${file} of ${account.name} is not told of the display: ${error instanceof Error ? error.message : String(error)}`)
    return without
  }
  return {
    words: `(rm -f ${path}; exec /bin/sh ${file}) <${path}; `,
    leave: () => asUser(account, () => rmSync(path, { force: true })),
  }
}

// Owns whether a program that decides who gets in can be trusted, and the environment such programs get. Knows nothing of which
// ones there are.
import { realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import { othersMayChange } from './safe-file.ts'

const firstUnsafe = (path: string): string | undefined => {
  const stat = statSync(path)
  if (!stat.isFile()) return `${path} is not a regular file`
  if (othersMayChange(stat, 0)) return `bad ownership or modes for file ${path}`
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (othersMayChange(statSync(folder), 0)) return `bad ownership or modes for directory ${folder}`
    if (folder === dirname(folder)) return undefined
  }
}

/**
 * The first thing on the way to a program that somebody beside root may change, as a sentence; `undefined` when nobody may. Looks
 * with the rights of whoever it is to run as. Throws what the system says of a program that is not there.
 */
export const untrusted = (program: string, as: Account): string | undefined => asUser(as, () => firstUnsafe(realpathSync(program)))

const usualPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'

/** A fresh environment: none of the server's own variables but the language. */
export const programEnvironment = (as: Account): Record<string, string> => ({
  PATH: usualPath,
  USER: as.name,
  LOGNAME: as.name,
  HOME: as.home,
  ...(process.env.LANG && { LANG: process.env.LANG }),
})

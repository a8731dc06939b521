// Owns becoming another user for one process: uid, gid and supplementary groups, and no way back. Knows nothing of what
// the process does.
import { existsSync } from 'node:fs'
import { ConfigError } from 'nacre'
import type { Account } from './account.ts'

/** A process to be started. */
export interface Start {
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

const firstOf = (what: string, places: readonly string[]): string => {
  const found = places.find(path => existsSync(path))
  if (found === undefined) throw new ConfigError(`To become another user, ${what} is needed; it is in none of ${places.join(', ')}.`)
  return found
}

/**
 * How to start `start` as `account`. When we are that user already it is started as it is. Node's own `uid` and `gid`
 * options drop all supplementary groups instead of taking on the user's, so setpriv(1) of util-linux does it. What runs
 * as root until then gets an empty environment: variables a user has a say in (LD_PRELOAD, for one) are set by env(1),
 * which is the user already. Throws `ConfigError` when we may not become that user.
 */
export const startAs = (account: Account, start: Start): Start => {
  const us = process.geteuid?.()
  if (us === account.uid) return start
  if (us !== 0)
    throw new ConfigError(`This server runs as uid ${us} and cannot become ${account.name} (uid ${account.uid}); only root can.`)
  // env(1) would take such a program for another variable.
  if (start.file.includes('=')) throw new ConfigError(`${start.file} cannot be run as ${account.name}: its name has a "=".`)
  const setpriv = firstOf('setpriv (util-linux)', ['/usr/bin/setpriv', '/bin/setpriv'])
  const env = firstOf('env', ['/usr/bin/env', '/bin/env'])
  const become = [`--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups', '--inh-caps=-all', '--ambient-caps=-all', '--']
  const variables = Object.entries(start.env).map(([name, value]) => `${name}=${value}`)
  return { file: setpriv, args: [...become, env, '-i', '--', ...variables, start.file, ...start.args], env: {} }
}

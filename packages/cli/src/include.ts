// Owns finding the files that Include names in ssh_config and sshd_config. Knows nothing of what is in them.
import { globSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import type { ReadInclude } from 'nacre/config'

/** Relative names belong to `~/.ssh` for a person's file and to `/etc/ssh` for the system's, as in OpenSSH. */
export const readInclude: ReadInclude = (pattern, from) => {
  const home = join(homedir(), '.ssh')
  const folder = from.path.startsWith('/etc/ssh') ? '/etc/ssh' : from.path.startsWith(home) ? home : dirname(from.path)
  const expanded = pattern.startsWith('~/') ? join(homedir(), pattern.slice(2)) : pattern
  const absolute = isAbsolute(expanded) ? expanded : join(folder, expanded)
  return globSync(absolute)
    .sort()
    .flatMap(path => {
      try {
        return [{ path, text: readFileSync(path, 'utf8') }]
      } catch {
        // As in OpenSSH, a file that cannot be read is passed over.
        return []
      }
    })
}

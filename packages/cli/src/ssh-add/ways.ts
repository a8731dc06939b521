// Owns the ways of -h: from their text to hosts with the keys known of them (ssh-add(1)). Knows nothing of agents.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { escapeForPeople } from 'nacre'
import type { Destination, DestinationHost } from 'nacre/agent'
import { type KnownHostsFile, linesFor, parseKnownHosts } from 'nacre/keys'
import { FatalError } from '../fatal.ts'

const usualFiles = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2', '/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']

const nowhere: DestinationHost = { user: '', host: '', keys: [] }

/** A file that is not there knows nobody. */
const readKnownHosts = (path: string): KnownHostsFile[] => {
  const file = path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : path
  try {
    return [parseKnownHosts(readFileSync(file, 'utf8'), file)]
  } catch {
    return []
  }
}

const hostOf = (text: string, files: readonly KnownHostsFile[]): DestinationHost => {
  const at = text.lastIndexOf('@')
  const user = at < 0 ? '' : text.slice(0, at)
  const host = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1')
  if (host === '') {
    if (at < 0) throw new FatalError(`Invalid key destination constraint "${escapeForPeople(text)}": does not specify user or host`)
    return { ...nowhere, user }
  }
  // Names are looked up as they are: one with a port is written as known_hosts has it, `[host]:port`.
  const keys = linesFor(files, { host, port: 22 })
    .filter(entry => entry.marker !== 'revoked')
    .map(({ key, marker }) => ({ key: key.blob, authority: marker === 'cert-authority' }))
  if (keys.length === 0) throw new FatalError(`No host keys found for destination "${escapeForPeople(host)}"`)
  return { user, host, keys }
}

/** The ways in the order they were given. Throws `FatalError` for one that means nothing, or a host nobody knows. */
export const readWays = (ways: readonly string[], knownHosts: readonly string[]): readonly Destination[] => {
  if (ways.length === 0) return []
  const files = (knownHosts.length === 0 ? usualFiles : knownHosts).flatMap(readKnownHosts)
  return ways.map(text => {
    const between = text.indexOf('>')
    if (between < 0) return { from: nowhere, to: hostOf(text, files) }
    const from = hostOf(text.slice(0, between), files)
    const to = hostOf(text.slice(between + 1), files)
    if (from.user !== '')
      throw new FatalError(`Invalid key constraint ${escapeForPeople(text.slice(0, between))}: cannot specify user on 'from' host`)
    return { from, to }
  })
}

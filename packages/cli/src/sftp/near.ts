// Owns files of this machine as the commands look at them: patterns, what is there, and names that are no UTF-8. Moves no bytes.
import { lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { bytesOfName, isPattern, literalOf, nameFromBytes, nameMatcher } from 'nacre/sftp'

/** A path as the system takes it. */
export const systemPath = (path: string): Buffer => Buffer.from(bytesOfName(path))

/** Folder and name as one path; the folder may be ''. */
export const joined = (folder: string, name: string): string =>
  folder === '' || folder.endsWith('/') ? folder + name : `${folder}/${name}`

export const absolute = (path: string, folder: string): string => (path.startsWith('/') ? path : joined(folder, path))

export const statOf = (path: string): Stats | undefined => {
  try {
    return statSync(systemPath(path))
  } catch {
    return undefined
  }
}

export const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true

/** The last component, as basename(3). */
export const baseOf = (path: string): string => {
  const trimmed = path.replace(/\/+$/, '')
  return trimmed === '' ? (path === '' ? '.' : '/') : trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

const byBytes = (a: string, b: string): number => Buffer.compare(bytesOfName(a), bytesOfName(b))

const exists = (path: string): boolean => {
  try {
    lstatSync(systemPath(path))
    return true
  } catch {
    return false
  }
}

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(systemPath(folder === '' ? '.' : folder), { encoding: 'buffer' }).map(nameFromBytes)
  } catch {
    return []
  }
}

/** Paths that fit a pattern, as it is written, relative to `from`; folders end in a slash. Nothing when nothing does. */
export const localGlob = (pattern: string, from: string): readonly string[] => {
  let found = [pattern.startsWith('/') ? '/' : '']
  const components = pattern.split('/').filter(each => each !== '')
  for (const component of components) {
    found = found.flatMap(folder => {
      if (!isPattern(component)) {
        const path = joined(folder, literalOf(component))
        return exists(absolute(path, from)) ? [path] : []
      }
      const fits = nameMatcher(component)
      return namesIn(absolute(folder === '' ? '.' : folder, from))
        .filter(fits)
        .toSorted(byBytes)
        .map(name => joined(folder, name))
    })
  }
  if (components.length === 0 && pattern === '') return []
  return found.map(path => (isFolder(absolute(path, from)) && !path.endsWith('/') ? `${path}/` : path))
}

/** What begins with `start` in a folder, folders with a slash; hidden ones only when that is asked for. */
export const localNames = (folder: string, start: string): readonly string[] =>
  namesIn(folder)
    .filter(name => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
    .toSorted(byBytes)
    .map(name => (isFolder(joined(folder, name)) ? `${name}/` : name))

/** `~` and `~user` at the beginning stand for homes; `undefined` for a user nobody knows. */
export const withHome = (path: string, variables: Readonly<Record<string, string | undefined>>): string | undefined => {
  const found = /^~([^/]*)(.*)$/s.exec(path)
  if (found === null) return path
  const [, user, rest] = found
  if (user === '') return (variables.HOME ?? homedir()) + rest
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find(each => each.startsWith(`${user}:`))
  return line === undefined ? undefined : line.split(':')[5] + rest
}

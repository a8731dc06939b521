// Owns paths on the server as text: joining, taking apart, and which names and paths can be asked for. They are POSIX paths
// whatever the server runs on. Knows no packets.
import type { SftpError } from '../../errors.ts'
import { type About, failureOf, shownPath } from './explain.ts'

/** `folder/name`. A folder of '.' or '' is left out, as is a slash that is there already. */
export const joinPath = (folder: string, name: string): string => {
  if (folder === '' || folder === '.') return name
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`
}

/** What comes before the last component: '/' and '.' where there is nothing. */
export const folderOf = (path: string): string => {
  const trimmed = withoutSlashes(path)
  const slash = trimmed.lastIndexOf('/')
  if (slash < 0) return trimmed === '' && path !== '' ? '/' : '.'
  return withoutSlashes(trimmed.slice(0, slash)) || '/'
}

/** The last component; '' for the root. */
export const nameOf = (path: string): string => {
  const trimmed = withoutSlashes(path)
  return trimmed.slice(trimmed.lastIndexOf('/') + 1)
}

/** Without slashes at the end. */
const withoutSlashes = (path: string): string => {
  let end = path.length
  while (end > 0 && path.charCodeAt(end - 1) === 0x2f) end--
  return path.slice(0, end)
}

/** What is wrong with a name in a listing; `undefined` when it can be one of a file. */
const faultOfName = (name: string): string | undefined => {
  if (name === '') return 'it is empty'
  if (name.includes('/')) return 'it has a slash in it'
  return name.includes('\0') ? 'it has a NUL in it' : undefined
}

/** The error for an entry of `folder` whose name cannot be one, and could lead out of it; `undefined` for a good name. */
export const badName = (folder: string, name: string): SftpError | undefined => {
  const fault = faultOfName(name)
  if (fault === undefined) return undefined
  return failureOf('invalid-filename', `the server lists an entry ${shownPath(name)} there, which cannot be a name: ${fault}`, {
    operation: 'list',
    path: folder,
  })
}

/** A path that can be sent. Throws `SftpError` for an empty one and one with a NUL, which servers cut off there. */
export const sendable = (path: string, about: About): string => {
  if (path === '') throw failureOf('invalid-filename', 'the path is empty', about)
  if (path.includes('\0')) throw failureOf('invalid-filename', 'the path has a NUL in it', about)
  return path
}

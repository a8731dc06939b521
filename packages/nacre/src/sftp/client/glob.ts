// Owns finding paths by a pattern, as OpenSSH's sftp does: wildcards in any component, no `**`, names that begin with a period
// only where the pattern does. Knows no packets.
import { SftpError } from '../../errors.ts'
import type { Calls, Given } from './calls.ts'
import { list } from './listing.ts'
import { folderOf, joinPath, nameOf } from './paths.ts'
import { isPattern, literalOf, nameMatcher } from './pattern.ts'
import { Entry } from './stat.ts'

/** Those who say that nothing can be there. */
const isAbsence = (error: unknown): boolean =>
  error instanceof SftpError && ['no-such-file', 'no-such-path', 'not-a-directory', 'permission-denied', 'failure'].includes(error.status)

/** The rest of a path under `folder`, all components of the pattern left to go. */
async function* under(calls: Calls, folder: string, components: readonly string[], given: Given): AsyncGenerator<Entry> {
  const at = components.findIndex(isPattern)
  if (at < 0) {
    const found = await present(calls, [folder, ...components.map(literalOf)].reduce(joinPath), given)
    if (found !== undefined) yield found
    return
  }
  const start = [folder, ...components.slice(0, at).map(literalOf)].reduce(joinPath)
  const rest = components.slice(at + 1)
  const fits = nameMatcher(components[at])
  const found: Entry[] = []
  try {
    for await (const entry of list(calls, start === '' ? '.' : start, { ...given, sort: true, onError: () => {} }))
      if (fits(entry.name)) found.push(entry)
  } catch (error) {
    if (!isAbsence(error)) throw error
  }
  for (const entry of found) {
    if (rest.length === 0) yield entry
    else if (entry.type === 'directory' || entry.type === 'symlink' || entry.type === 'unknown')
      yield* under(calls, entry.path, rest, given)
  }
}

const present = async (calls: Calls, path: string, given: Given): Promise<Entry | undefined> => {
  try {
    return new Entry(folderOf(path), nameOf(path), await calls.lstat(path, given), '')
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** What fits `pattern`, in the order of its components and of names in each. Nothing when nothing does. */
export const glob = (calls: Calls, pattern: string, given: Given = {}): AsyncGenerator<Entry> => {
  const components = pattern.split('/').filter(component => component !== '')
  return under(calls, pattern.startsWith('/') ? '/' : '', components, given)
}

// Owns what a client asks a remote shell for, and which names may then come: the words of a remote path, read as that shell
// reads them. Knows nothing of connections.
import { literalOf, nameMatcher } from '../sftp/client/pattern.ts'
import { braceAlternatives } from './glob.ts'
import { withoutEndSlashes } from './path-end.ts'
import { shellWords } from './words.ts'

export interface ScpRequest {
  readonly role: 'sink' | 'source'
  /** As the person typed it: the remote shell expands what is in it. */
  readonly path: string
  readonly recursive?: boolean
  readonly preserve?: boolean
  readonly directory?: boolean
  readonly verbose?: boolean
}

/** The command line for the other end, as OpenSSH's scp sends it. */
export const scpCommand = ({ role, path, recursive, preserve, directory, verbose }: ScpRequest): string => {
  const flags = [verbose && ' -v', recursive && ' -r', preserve && ' -p', directory && ' -d', role === 'sink' ? ' -t' : ' -f']
  return `scp${flags.filter(Boolean).join('')} ${path.startsWith('-') ? '-- ' : ''}${path}`
}

/** The last component, as a pattern. */
const lastOf = (pattern: string): string => {
  const clean = withoutEndSlashes(pattern, 1)
  return clean.slice(clean.lastIndexOf('/') + 1)
}

/**
 * A test for the names a source may send when asked for `path`. A path of which only the remote shell knows what becomes of it
 * (`$HOME/file`) wants no name at all: the person must ask for no check.
 */
export const wantedNames = (path: string): ((name: string) => boolean) => {
  const exact = new Set<string>()
  const matchers: ((name: string) => boolean)[] = []
  for (const choice of braceAlternatives(path)) {
    for (const { text, pattern, isPattern } of shellWords(choice) ?? []) {
      exact.add(lastOf(text))
      if (isPattern) matchers.push(nameMatcher(lastOf(pattern)))
    }
  }
  // What a shell that knows no braces, or a server without a shell, makes of it.
  exact.add(lastOf(literalOf(path)))
  return name => exact.has(name) || matchers.some(matches => matches(name))
}

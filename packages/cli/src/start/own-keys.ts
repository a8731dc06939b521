// Owns finding a person's own public keys: those in ~/.ssh whose private half lies beside them. A `.pub` file alone may be
// somebody else's. Knows nothing of logging in.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SshError } from 'nacre'
import { parsePublicKeyLine, type PublicKey } from 'nacre/keys'

export interface OwnKey {
  readonly path: string
  readonly key: PublicKey
}

/** The keys, in the order of their files. Files that hold no key we know are passed over. */
export const ownKeys = (home: string): readonly OwnKey[] =>
  globSync('*.pub', { cwd: join(home, '.ssh') })
    .sort()
    .flatMap(name => {
      const path = join(home, '.ssh', name)
      if (!existsSync(path.slice(0, -'.pub'.length))) return []
      try {
        const key = parsePublicKeyLine(readFileSync(path, 'utf8').split('\n')[0], path)
        return key.numbers === undefined ? [] : [{ path, key }]
      } catch (error) {
        if (error instanceof SshError || (error as NodeJS.ErrnoException).code !== undefined) return []
        throw error
      }
    })

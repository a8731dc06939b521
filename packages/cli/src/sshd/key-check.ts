// Owns the check of a key against a person's authorized_keys files: where they are, whether they can be trusted, which
// line counts, and what it allows. Knows nothing of signatures and sessions.
import { globSync } from 'node:fs'
import { homedir } from 'node:os'
import { type AuthorizedKey, type KeyOptions, parseAuthorizedKeys } from 'nacre/keys'
import type { Account } from './account.ts'
import { matchesAddress } from './addresses.ts'
import { asUser } from './as-user.ts'
import { readSafely } from './safe-file.ts'

export interface KeyCheckRules {
  /** AuthorizedKeysFile: paths with tokens; relative ones belong to the home. */
  readonly files: readonly string[]
  readonly strict: boolean
  /** Gets a sentence for the log about each file that is not there: most people have only one of two. */
  readonly sayMissing?: (text: string) => void
}

/** A key that may log in. */
export interface KeyMatch {
  readonly options: KeyOptions
  readonly file: string
  /** Counts from 1; 0 when it is the file as a whole. */
  readonly line: number
}

/** `%h`, `%u`, `%U`, `%%`, and relative paths under the home. */
export const authorizedKeysPath = (pattern: string, account: Account): string => {
  const tokens: Readonly<Record<string, string>> = { h: account.home, u: account.name, U: String(account.uid), '%': '%' }
  const path = pattern.replace(/%(.)/g, (whole, letter: string) => (Object.hasOwn(tokens, letter) ? tokens[letter] : whole))
  // OpenSSH replaces `~` by the home of whoever the server runs as.
  if (path === '~' || path.startsWith('~/')) return `${homedir()}${path.slice(1)}`
  return path.startsWith('/') ? path : `${account.home.replace(/\/+$/, '')}/${path}`
}

/** The files a pattern names: with `*`, `?` or `[` those there are, as the account sees them. */
export const filesNamed = (pattern: string, account: Account): readonly string[] => {
  const path = authorizedKeysPath(pattern, account)
  if (!/[*?[]/.test(path)) return [path]
  return asUser(account, () => globSync(path)).toSorted()
}

/** Whether a line holds now and from this address. `say` gets a sentence for the log when it does not. */
export const usable = (
  entry: Pick<AuthorizedKey, 'file' | 'line' | 'options'>,
  address: string | undefined,
  now: number,
  say: (text: string) => void,
): boolean => {
  const { expires, from } = entry.options
  if (expires !== undefined && now >= expires) {
    say(`${entry.file}:${entry.line}: the key has expired`)
    return false
  }
  if (from !== undefined && !matchesAddress(from, address)) {
    say(`${entry.file}:${entry.line}: the key may not be used from ${address ?? 'a connection without an address'}`)
    return false
  }
  return true
}

/** The lines of all files that can be trusted, one after the other. */
export function* authorizedLines(account: Account, rules: KeyCheckRules, say: (text: string) => void): Generator<AuthorizedKey> {
  for (const pattern of rules.files) {
    if (pattern.toLowerCase() === 'none') continue
    const paths = filesNamed(pattern, account)
    if (paths.length === 0) rules.sayMissing?.(`No file is named by '${pattern}' of AuthorizedKeysFile for user '${account.name}'`)
    for (const path of paths) {
      const found = readSafely(path, account, rules.strict, 'authorized keys')
      if (found.is === 'missing') rules.sayMissing?.(found.why)
      if (found.is === 'refused') say(found.why)
      if (found.is === 'read') yield* linesOf(found.text, path, say)
    }
  }
}

/** The lines of a text, whose name is shown in the log. */
export function* linesOf(text: string, name: string, say: (text: string) => void): Generator<AuthorizedKey> {
  const file = parseAuthorizedKeys(text, name)
  for (const { line, problem } of file.problems) say(`${name}:${line} lets nobody in: ${problem}`)
  yield* file.entries
}

/** The line that lets `blob` in, or `undefined`. */
export const keyAmong = (
  lines: Iterable<AuthorizedKey>,
  blob: Uint8Array,
  address: string | undefined,
  say: (text: string) => void,
  now = Date.now(),
): KeyMatch | undefined => {
  for (const entry of lines) {
    const { options, file, line, key } = entry
    if (!options.certAuthority && key.equals(blob) && usable(entry, address, now, say)) return { options, file, line }
  }
  return undefined
}

/** The line that lets `blob` in as `account`, or `undefined`. `say` gets sentences for the log. */
export const findKey = (
  account: Account,
  blob: Uint8Array,
  address: string | undefined,
  rules: KeyCheckRules,
  say: (text: string) => void,
  now = Date.now(),
): KeyMatch | undefined => keyAmong(authorizedLines(account, rules, say), blob, address, say, now)

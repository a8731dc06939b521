// Owns authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT): lines of options, key and comment as typed values. Knows
// nothing of who reads the file or how options are carried out.
import { escapeForPeople, SshError } from '../errors.ts'
import { type KeyOptions, noOptions, parseKeyOptions } from './key-options.ts'
import { parsePublicKeyLine, type PublicKey } from './public.ts'

export interface AuthorizedKey {
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  readonly options: KeyOptions
  readonly key: PublicKey
  readonly comment: string
}

export interface AuthorizedKeysFile {
  readonly path: string
  readonly entries: readonly AuthorizedKey[]
  /** Lines that let nobody in, and why, in words. */
  readonly problems: readonly { readonly line: number; readonly problem: string }[]
}

/** Where the first blank outside double quotes stands; `\"` inside them is no end. -1 when there is none. */
const endOfOptions = (line: string): number => {
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\' && line[i + 1] === '"') i++
    else if (line[i] === '"') quoted = !quoted
    else if (!quoted && (line[i] === ' ' || line[i] === '\t')) return i
  }
  return -1
}

/** A key type stands first when there are no options. Unknown types are told from options by the base64 that follows. */
const startsWithKey = (line: string): boolean => /^[^\s"=,]+[ \t]+AAAA[A-Za-z0-9+/]/.test(line)

const parseLine = (text: string, file: string, line: number): AuthorizedKey | string => {
  try {
    let options = noOptions
    let rest = text
    if (!startsWithKey(text)) {
      const end = endOfOptions(text)
      if (end < 0) return 'it is not of the form "[options] type base64 [comment]"'
      rest = text.slice(end).trimStart()
      if (!startsWithKey(rest)) return 'no key stands where one belongs'
      const parsed = parseKeyOptions(text.slice(0, end))
      if (typeof parsed === 'string') return parsed
      options = parsed
    }
    const key = parsePublicKeyLine(rest)
    return { file, line, options, key, comment: key.comment }
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return escapeForPeople(error.message)
  }
}

/**
 * Reads a whole file. A line with an option we do not know, or an option that is wrong, lets nobody in: it may have been
 * meant as a restriction. Such lines are listed in `problems`.
 */
export const parseAuthorizedKeys = (text: string, path: string): AuthorizedKeysFile => {
  const entries: AuthorizedKey[] = []
  const problems: { line: number; problem: string }[] = []
  text.split('\n').forEach((raw, index) => {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return
    const entry = parseLine(trimmed, path, index + 1)
    if (typeof entry === 'string') problems.push({ line: index + 1, problem: entry })
    else entries.push(entry)
  })
  return { path, entries, problems }
}

/**
 * The first line with this key that `accepts` takes (its `from` fits, it has not expired, …); lines that name a
 * certificate authority never match a plain key.
 */
export const findAuthorizedKey = (
  file: AuthorizedKeysFile,
  keyBlob: Uint8Array,
  accepts: (entry: AuthorizedKey) => boolean = () => true,
): AuthorizedKey | undefined => file.entries.find(entry => !entry.options.certAuthority && entry.key.equals(keyBlob) && accepts(entry))

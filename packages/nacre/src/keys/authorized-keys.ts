// Owns authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT): lines of options, key and comment as typed values. Knows
// nothing of who reads the file or how options are carried out.
import { escapeForPeople, SshError } from '../errors.ts'
import { formatKeyOptions, type KeyOptions, noOptions, parseKeyOptions } from './key-options.ts'
import { eachLine, withLine } from './text-lines.ts'
import { endOfOptions, startsWithKey } from './options-field.ts'
import { formatPublicKeyLine, parsePublicKeyLine, type PublicKey } from './public.ts'
import { withoutBlanks } from './text-lines.ts'

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

const parseLine = (text: string, file: string, line: number): AuthorizedKey | string => {
  try {
    let options = noOptions
    let rest = text
    if (!startsWithKey(text)) {
      const end = endOfOptions(text)
      if (end < 0) return 'it is not of the form "[options] type base64 [comment]"'
      rest = text.slice(end).replace(/^[ \t]+/, '')
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
    // Only what sshd passes over: other blanks in front of an option make it another.
    const trimmed = withoutBlanks(raw)
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

/** A line for a key, without a line break: options that mean the same, the key, its comment. Throws `TypeError` for an option that cannot be written. */
export const formatAuthorizedKey = (entry: {
  readonly options?: KeyOptions
  readonly key: PublicKey
  readonly comment?: string
}): string => {
  const options = entry.options === undefined ? '' : formatKeyOptions(entry.options)
  const line = formatPublicKeyLine(entry.key, entry.comment ?? entry.key.comment)
  return options === '' ? line : `${options} ${line}`
}

/** The text with the line at its end, unless a line lets the key in already, with whatever options. */
export const addAuthorizedKey = (
  text: string,
  entry: { readonly options?: KeyOptions; readonly key: PublicKey; readonly comment?: string },
): { readonly text: string; readonly added: boolean } => {
  const certAuthority = entry.options?.certAuthority ?? false
  const there = parseAuthorizedKeys(text, '').entries.some(
    each => each.options.certAuthority === certAuthority && each.key.equals(entry.key),
  )
  if (there) return { text, added: false }
  return { text: withLine(text, formatAuthorizedKey(entry)), added: true }
}

/** The text without the lines of a key, those of it as an authority included; all others stay as they are. */
export const removeAuthorizedKey = (
  text: string,
  key: PublicKey | Uint8Array,
): { readonly text: string; readonly removed: readonly number[] } => {
  const removed = new Set(
    parseAuthorizedKeys(text, '')
      .entries.filter(each => each.key.equals(key))
      .map(each => each.line),
  )
  return {
    text: eachLine(text)
      .filter((_, index) => !removed.has(index + 1))
      .join(''),
    removed: [...removed],
  }
}

// Owns the way from the text of a private key file to a key, whatever its format, and back. Knows nothing of the formats or of
// the disk: the text is given to it, and whoever knows the passphrase is asked.
import { Secret } from '../crypto/secret.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { KeyFormatError } from '../errors.ts'
import {
  isLocked,
  type KeyFormat,
  type LockedKey,
  type Passphrase,
  passphraseBytes,
  passphraseNeeded,
  passphraseWrong,
  type Place,
  type ReadKeyOptions,
  type WriteKeyOptions,
} from './formats/format.ts'
import { type KeyFileFormat, keyFormats, keyWriters } from './formats/table.ts'
import type { PrivateKey } from './private.ts'
import type { PublicKey } from './public.ts'
import { keyText } from './key-text.ts'

const findFormat = (input: string | Uint8Array, path: string | undefined): { format: KeyFormat; text: string } => {
  const text = keyText(input, path)
  const format = keyFormats.find(each => each.recognises(text))
  if (format !== undefined) return { format, text }
  const what = text.trim() === '' ? 'is empty' : 'is in no format of private keys that is known'
  throw new KeyFormatError('KEY_FORMAT_UNKNOWN', `${path === undefined ? 'The private key' : `The key file ${path}`} ${what}.`, path)
}

/**
 * Reads a private key that is not encrypted. Throws `KeyFormatError`: KEY_PASSPHRASE_NEEDED for one that is (`loadPrivateKey`
 * takes those), KEY_MALFORMED for a damaged file, KEY_UNSUPPORTED for a format, cipher or key type we know of but do not read,
 * KEY_FORMAT_UNKNOWN for all else.
 */
export const readPrivateKey = (crypto: CryptoProvider, input: string | Uint8Array, { path }: ReadKeyOptions = {}): PrivateKey => {
  const { format, text } = findFormat(input, path)
  const found = format.read(crypto, text, path)
  if (isLocked(found)) throw passphraseNeeded({ path, format: format.name })
  return found
}

export interface PassphraseQuestion {
  /** Of the file, when it was given. */
  readonly path: string | undefined
  /** What people call the format of the file. */
  readonly format: string
  /** Counts from 1. */
  readonly attempt: number
  /** The public half, when the file shows it. */
  readonly publicKey: PublicKey | undefined
}

type Answer = Passphrase | undefined

/** A passphrase, or a way to get one; `undefined` and an empty one mean there is none. */
export type PassphraseSource = Passphrase | ((question: PassphraseQuestion) => Answer | Promise<Answer>)

export interface LoadKeyOptions extends ReadKeyOptions {
  /** A function is only called for a file that is encrypted and could be opened with the right one. */
  readonly passphrase?: PassphraseSource
  /** How often a function is asked. Default 3. */
  readonly attempts?: number
}

const usualAttempts = 3

const isWrong = (error: unknown): boolean => error instanceof KeyFormatError && error.code === 'KEY_PASSPHRASE_WRONG'

/** One try. The copy of the passphrase is overwritten. */
const unlocked = async (locked: LockedKey, passphrase: Passphrase, place: Place): Promise<PrivateKey> => {
  const bytes = passphraseBytes(passphrase)
  try {
    if (bytes.length === 0) throw passphraseWrong(place)
    return await locked.unlock(bytes)
  } finally {
    bytes.fill(0)
  }
}

const isEmpty = (answer: Passphrase): boolean => (answer instanceof Secret ? answer.reveal() : answer).length === 0

/**
 * Reads a private key of any format, encrypted or not. Rejects with `KeyFormatError`: KEY_PASSPHRASE_NEEDED when there is no
 * passphrase, KEY_PASSPHRASE_WRONG when none fitted, and else what `readPrivateKey` throws. Working out the key of an encrypted
 * file takes tenths of a second of a processor, of which the event loop waits for some milliseconds at a time.
 */
export const loadPrivateKey = async (
  crypto: CryptoProvider,
  input: string | Uint8Array,
  { path, passphrase, attempts = usualAttempts }: LoadKeyOptions = {},
): Promise<PrivateKey> => {
  const { format, text } = findFormat(input, path)
  const found = format.read(crypto, text, path)
  if (!isLocked(found)) return found
  const place: Place = { path, format: format.name }
  if (passphrase === undefined) throw passphraseNeeded(place)
  if (typeof passphrase !== 'function') return await unlocked(found, passphrase, place)
  for (let attempt = 1; ; attempt++) {
    const answer = await passphrase({ path, format: format.name, attempt, publicKey: found.publicKey })
    if (answer === undefined || isEmpty(answer)) throw passphraseNeeded(place)
    try {
      return await unlocked(found, answer, place)
    } catch (error) {
      if (!isWrong(error) || attempt >= attempts) throw error
    }
  }
}

/** The public half, when it can be read without a passphrase; else `undefined`. Throws as `readPrivateKey` does. */
export const readPublicPart = (input: string | Uint8Array, { path }: ReadKeyOptions = {}): PublicKey | undefined => {
  const { format, text } = findFormat(input, path)
  return format.publicPart(text, path)
}

/**
 * The text of a private key file. `format` is `openssh` unless said. Rejects with `TypeError` for options that mean nothing,
 * and with `KeyFormatError` KEY_UNSUPPORTED for a key the format has no form of: DSA is only read, and PEM has no Ed25519.
 */
export const writePrivateKey = async (
  crypto: CryptoProvider,
  key: PrivateKey,
  { format = 'openssh', ...options }: WriteKeyOptions & { readonly format?: KeyFileFormat } = {},
): Promise<string> => await keyWriters[format](crypto, key, options)

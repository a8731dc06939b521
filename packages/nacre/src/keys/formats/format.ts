// Owns the shape of a row in the table of private key formats, and the words all of them use about a key. Knows none of
// the formats.
import type { Argon2Name } from '../../crypto/derivation.ts'
import type { Secret } from '../../crypto/secret.ts'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { KeyFormatError, WireError } from '../../errors.ts'
import { PrivateKey } from '../private.ts'
import type { PublicKey } from '../public.ts'

export type Passphrase = string | Uint8Array | Secret<string>

export interface ReadKeyOptions {
  /** Name of the file, for messages. */
  readonly path?: string
}

/** An encrypted key. All that can be known without its passphrase has been looked at. */
export interface LockedKey {
  /** When the file shows it. */
  readonly publicKey: PublicKey | undefined
  /**
   * Rejects with `KeyFormatError`: KEY_PASSPHRASE_WRONG, or KEY_MALFORMED when what comes out is no key. `passphrase` is not
   * empty and stays the caller's.
   */
  unlock(passphrase: Uint8Array): Promise<PrivateKey>
}

export interface KeyFormat {
  /** What people call it. */
  readonly name: string
  recognises(text: string): boolean
  /** Throws `KeyFormatError`. */
  read(crypto: CryptoProvider, text: string, path: string | undefined): PrivateKey | LockedKey
  /** The public half, when the file shows it without a passphrase. Throws `KeyFormatError` for a damaged file. */
  publicPart(text: string, path: string | undefined): PublicKey | undefined
}

export interface WriteKeyOptions {
  /** Encrypts the file. Without it the key lies open. Not for JWK. */
  readonly passphrase?: Passphrase
  /** Default: the key's own. OpenSSH, PuTTY and JWK (`kid`) have room for one. */
  readonly comment?: string
  /** Of the OpenSSH format. Default `aes256-ctr`, as OpenSSH. */
  readonly cipher?: string
  /**
   * How often the passphrase is hashed: rounds of bcrypt (OpenSSH; 1 to 1024, default 24), iterations of PBKDF2 (PKCS#8;
   * default 600,000), passes of Argon2 (PuTTY 3; default 21).
   */
  readonly rounds?: number
  /** Of PuTTY 3. Default Argon2id with 8192 KiB and one lane, as PuTTY. */
  readonly argon2?: { readonly name?: Argon2Name; readonly memory?: number; readonly parallelism?: number }
}

/** The text of a file. Rejects with `TypeError` for options that mean nothing, `KeyFormatError` for keys there is no form of. */
export type KeyWriter = (crypto: CryptoProvider, key: PrivateKey, options: WriteKeyOptions) => Promise<string>

/** What a message is about. */
export interface Place {
  readonly path: string | undefined
  readonly format: string
  readonly isPublic?: boolean
}

/** How a message begins. */
const named = ({ path, format, isPublic = false }: Place): string =>
  `${path !== undefined ? `The key file ${path}` : isPublic ? 'The public key' : 'The private key'} (${format} format)`

const because = (place: Place, cause?: unknown): ErrorOptions & { format: string } => ({
  format: place.format,
  ...(cause === undefined ? {} : { cause }),
})

export const malformed = (place: Place, what: string, cause?: unknown): KeyFormatError =>
  new KeyFormatError('KEY_MALFORMED', `${named(place)} is damaged: ${what}.`, place.path, because(place, cause))

export const unsupported = (place: Place, what: string, cause?: unknown): KeyFormatError =>
  new KeyFormatError('KEY_UNSUPPORTED', `${named(place)} ${what}.`, place.path, because(place, cause))

export const passphraseNeeded = (place: Place): KeyFormatError =>
  new KeyFormatError('KEY_PASSPHRASE_NEEDED', `${named(place)} is encrypted; it needs its passphrase.`, place.path, because(place))

export const passphraseWrong = (place: Place, cause?: unknown): KeyFormatError =>
  new KeyFormatError('KEY_PASSPHRASE_WRONG', `${named(place)} does not open with this passphrase.`, place.path, because(place, cause))

/** `work()`, with a `WireError` said as damage of the file. */
export const read = <T>(place: Place, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(place, cause.message, cause)
  }
}

export const isLocked = (found: PrivateKey | LockedKey): found is LockedKey => !(found instanceof PrivateKey)

/** The UTF-8 bytes of a passphrase, a copy. */
export const passphraseBytes = (passphrase: Passphrase): Uint8Array => {
  if (passphrase instanceof Uint8Array) return new Uint8Array(passphrase)
  return new TextEncoder().encode(typeof passphrase === 'string' ? passphrase : passphrase.reveal())
}

/** The passphrase a file is to be encrypted with, a copy; `undefined` for none. Throws `TypeError` for an empty one. */
export const chosenPassphrase = ({ passphrase }: WriteKeyOptions): Uint8Array | undefined => {
  if (passphrase === undefined) return undefined
  const secret = passphraseBytes(passphrase)
  if (secret.length === 0) throw new TypeError('an empty passphrase does not encrypt; leave it out')
  return secret
}

/** A cost somebody chose. Throws `TypeError` when it is not a whole number from `least` to `most`. */
export const chosenCost = (value: number, least: number, most: number, what: string): number => {
  if (!Number.isInteger(value) || value < least || value > most) throw new TypeError(`${value} ${what} are not ${least} to ${most}`)
  return value
}

/** Names the format for a key it has no form for. */
export const noFormFor = (key: PrivateKey, format: string, advice: string): KeyFormatError =>
  new KeyFormatError('KEY_UNSUPPORTED', `There is no ${format} form of a ${key.type} key. ${advice}`, undefined, { format })

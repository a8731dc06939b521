// Owns the shape of a row in the table of private key formats, and the words all of them use about a key. Knows none of
// the formats.
import type { Secret } from '../../crypto/secret.ts'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { KeyFormatError } from '../../errors.ts'
import { decodeBase64 } from '../base64.ts'
import type { PrivateKey } from '../private.ts'
import type { PublicKey } from '../public.ts'

export type Passphrase = string | Uint8Array | Secret<string>

export interface ReadKeyOptions {
  readonly passphrase?: Passphrase
  /** Name of the file, for messages. */
  readonly path?: string
}

export interface KeyFormat {
  /** What people call it. */
  readonly name: string
  recognises(text: string): boolean
  /** Throws `KeyFormatError`. */
  read(crypto: CryptoProvider, text: string, options: ReadKeyOptions): PrivateKey
  /** The public half, when the file shows it without a passphrase. Throws `KeyFormatError` for a damaged file. */
  publicPart(text: string, options: ReadKeyOptions): PublicKey | undefined
}

/** How a message begins. */
export const named = (path: string | undefined): string => (path === undefined ? 'The private key' : `The key file ${path}`)

export const malformed = (path: string | undefined, what: string, cause?: unknown): KeyFormatError =>
  new KeyFormatError('KEY_MALFORMED', `${named(path)} is damaged: ${what}.`, path, cause === undefined ? undefined : { cause })

export const passphraseNeeded = (path: string | undefined): KeyFormatError =>
  new KeyFormatError('KEY_PASSPHRASE_NEEDED', `${named(path)} is encrypted; it needs its passphrase.`, path)

export const passphraseWrong = (path: string | undefined): KeyFormatError =>
  new KeyFormatError('KEY_PASSPHRASE_WRONG', `${named(path)} does not open with this passphrase.`, path)

/** The UTF-8 bytes of a passphrase, a copy. */
export const passphraseBytes = (passphrase: Passphrase): Uint8Array => {
  if (passphrase instanceof Uint8Array) return new Uint8Array(passphrase)
  return new TextEncoder().encode(typeof passphrase === 'string' ? passphrase : passphrase.reveal())
}

/** The bytes between `-----BEGIN label-----` and its end line, headers (RFC 1421) left out. Throws KEY_MALFORMED. */
export const armoured = (text: string, label: string, path: string | undefined): Uint8Array => {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const from = text.indexOf(begin)
  const to = text.indexOf(end, from + begin.length)
  if (from < 0 || to < 0) throw malformed(path, `its last line (${end}) is missing`)
  const lines = text.slice(from + begin.length, to).split(/\r?\n/)
  const bytes = decodeBase64(
    lines
      .filter(line => !line.includes(':'))
      .join('')
      .replaceAll(/\s/g, ''),
  )
  if (bytes === undefined || bytes.length === 0) throw malformed(path, 'what stands between its first and last line is not base64')
  return bytes
}

// Owns the way from the text of a private key file to a key, whatever its format. Knows nothing of the formats or of the
// disk: the text is given to it.
import type { CryptoProvider } from '../crypto/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { type KeyFormat, malformed, named, type ReadKeyOptions } from './formats/format.ts'
import { keyFormats } from './formats/table.ts'
import type { PrivateKey } from './private.ts'
import type { PublicKey } from './public.ts'

/** No key is larger; a file that is was named by mistake. */
const maximumCharacters = 1 << 20

const findFormat = (input: string | Uint8Array, path: string | undefined): { format: KeyFormat; text: string } => {
  if (input.length > maximumCharacters) throw malformed(path, `it has ${input.length} bytes, far more than a key`)
  const text = typeof input === 'string' ? input : new TextDecoder().decode(input)
  const format = keyFormats.find(each => each.recognises(text))
  if (format !== undefined) return { format, text }
  const what = text.trim() === '' ? 'is empty' : 'is in no format of private keys that is known'
  throw new KeyFormatError('KEY_FORMAT_UNKNOWN', `${named(path)} ${what}.`, path)
}

/**
 * Reads a private key. Throws `KeyFormatError`: KEY_PASSPHRASE_NEEDED, KEY_PASSPHRASE_WRONG, KEY_MALFORMED for a damaged
 * file, KEY_UNSUPPORTED for a format, cipher or key type we know of but do not read, KEY_FORMAT_UNKNOWN for all else.
 * Opening an encrypted key takes some tenths of a second, on this thread.
 */
export const readPrivateKey = (crypto: CryptoProvider, input: string | Uint8Array, options: ReadKeyOptions = {}): PrivateKey => {
  const { format, text } = findFormat(input, options.path)
  return format.read(crypto, text, options)
}

/** The public half, when it can be read without a passphrase; else `undefined`. Throws as `readPrivateKey` does. */
export const readPublicPart = (input: string | Uint8Array, options: ReadKeyOptions = {}): PublicKey | undefined => {
  const { format, text } = findFormat(input, options.path)
  return format.publicPart(text, options)
}

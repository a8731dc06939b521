// Owns the way from the text of a file to the public keys in it, whatever its format, and back. Knows nothing of the formats
// or of the disk.
import { KeyFormatError } from '../errors.ts'
import type { ReadKeyOptions } from './formats/format.ts'
import { keyFormats, type PublicKeyFileFormat, publicKeyFormats, publicKeyWriters } from './formats/table.ts'
import { keyText } from './key-text.ts'
import type { PublicKey } from './public.ts'

/**
 * All public keys of a file, at least one: lines `type base64 comment`, RFC 4716, PEM (PKCS#1 and SPKI), JWK, and the public
 * half of a private key file that shows it (OpenSSH, PuTTY). Throws `KeyFormatError`: KEY_MALFORMED for damage,
 * KEY_UNSUPPORTED for a kind of key SSH has not and for private keys that hide their public half, KEY_FORMAT_UNKNOWN else.
 */
export const readPublicKeys = (input: string | Uint8Array, { path }: ReadKeyOptions = {}): readonly PublicKey[] => {
  const text = keyText(input, path)
  const format = publicKeyFormats.find(each => each.recognises(text))
  if (format !== undefined) return format.read(text, path)
  const shown = path === undefined ? 'The public key' : `The key file ${path}`
  const isPrivate = keyFormats.find(each => each.recognises(text))
  const half = isPrivate?.publicPart(text, path)
  if (half !== undefined) return [half]
  if (isPrivate !== undefined) {
    const message = `${shown} (${isPrivate.name} format) holds a private key and does not show its public half.`
    throw new KeyFormatError('KEY_UNSUPPORTED', message, path, { format: isPrivate.name })
  }
  const what = text.trim() === '' ? 'is empty' : 'is in no format of public keys that is known'
  throw new KeyFormatError('KEY_FORMAT_UNKNOWN', `${shown} ${what}.`, path)
}

/**
 * The text of a public key file; comments stand where the format has room for them. Throws `KeyFormatError` KEY_UNSUPPORTED
 * for a key the format has no form of, as of keys in security keys outside SSH's own formats.
 */
export const writePublicKey = (key: PublicKey, format: PublicKeyFileFormat = 'openssh'): string => {
  const text = publicKeyWriters[format](key)
  if (text !== undefined) return text
  throw new KeyFormatError('KEY_UNSUPPORTED', `There is no ${format} form of a ${key.type} key. Write it in OpenSSH or RFC 4716 form.`)
}

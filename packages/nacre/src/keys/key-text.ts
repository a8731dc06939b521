// Owns the text of a key file that was given as bytes or as text, and how long it may be. Knows nothing of formats.
import { KeyFormatError } from '../errors.ts'

/** In bytes or characters. No key is larger; a file that is was named by mistake. */
export const largestKeyFile = 1 << 20

/**
 * The text. Bytes that are no UTF-8 become the characters of Latin-1, so that they can be had again: old files have such
 * comments. Throws `KeyFormatError` for far more than a key.
 */
export const keyText = (input: string | Uint8Array, path: string | undefined): string => {
  if (input.length > largestKeyFile) {
    const shown = path === undefined ? 'The key' : `The key file ${path}`
    throw new KeyFormatError('KEY_MALFORMED', `${shown} is damaged: it has ${input.length} bytes, far more than a key.`, path)
  }
  if (typeof input === 'string') return input
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(input)
  } catch {
    let text = ''
    for (const byte of input) text += String.fromCharCode(byte)
    return text
  }
}

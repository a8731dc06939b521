// Owns how names of files are held: as strings that lose nothing. A name on the wire and on a POSIX disk is bytes; most are
// UTF-8, and each byte that is not becomes one lone surrogate, U+DC80 to U+DCFF, as Python does it (PEP 383). Knows no paths.
import type { Codec } from '../wire/codec.ts'

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const utf8 = new TextEncoder()

/** Length in bytes of the well-formed UTF-8 sequence at `at`, or 0 when there is none (RFC 3629 §4). */
const sequenceAt = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at]
  if (first < 0x80) return 1
  const second = bytes[at + 1] ?? 0
  const continues = (index: number): boolean => ((bytes[index] ?? 0) & 0xc0) === 0x80
  if (first >= 0xc2 && first <= 0xdf) return continues(at + 1) ? 2 : 0
  if (first >= 0xe0 && first <= 0xef) {
    if (first === 0xe0 && second < 0xa0) return 0
    // Surrogates have no place in UTF-8.
    if (first === 0xed && second > 0x9f) return 0
    return continues(at + 1) && continues(at + 2) ? 3 : 0
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)) return 0
    return continues(at + 1) && continues(at + 2) && continues(at + 3) ? 4 : 0
  }
  return 0
}

const escaped = (bytes: Uint8Array): string => {
  let name = ''
  for (let at = 0; at < bytes.length;) {
    const start = at
    for (let length = sequenceAt(bytes, at); length > 0 && at < bytes.length; length = sequenceAt(bytes, at)) at += length
    name += strict.decode(bytes.subarray(start, at))
    if (at < bytes.length) name += String.fromCharCode(0xdc00 + bytes[at++])
  }
  return name
}

/** The name `bytes` stand for. */
export const nameFromBytes = (bytes: Uint8Array): string => {
  try {
    return strict.decode(bytes)
  } catch {
    return escaped(bytes)
  }
}

/** Whether `name` stands for bytes that are UTF-8. */
export const isUnicodeName = (name: string): boolean => name.isWellFormed()

/**
 * The bytes of `name`: the inverse of `nameFromBytes`. Lone surrogates that stand for no byte become U+FFFD, as everywhere
 * in JavaScript.
 */
export const bytesOfName = (name: string): Uint8Array => {
  if (isUnicodeName(name)) return utf8.encode(name)
  const bytes: number[] = []
  for (const character of name) {
    const code = character.codePointAt(0) as number
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00)
    else bytes.push(...utf8.encode(character))
  }
  return Uint8Array.from(bytes)
}

/** A `string` that is a name or a path. */
export const fileName: Codec<string> = {
  read: reader => nameFromBytes(reader.string()),
  write: (writer, value) => {
    if (isUnicodeName(value)) writer.text(value)
    else writer.string(bytesOfName(value))
  },
}

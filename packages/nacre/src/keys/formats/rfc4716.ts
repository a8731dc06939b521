// Owns the public key files of RFC 4716: reading and writing them. Knows nothing of the keys inside.
import { decodeBase64 } from '../base64.ts'
import { parsePublicKey, type PublicKey } from '../public.ts'
import { wrapped } from './armour.ts'
import { malformed, type Place, read } from './format.ts'
import type { PublicKeyFormat } from './public-format.ts'

const name = 'RFC 4716'
const begin = '---- BEGIN SSH2 PUBLIC KEY ----'
const end = '---- END SSH2 PUBLIC KEY ----'

/** RFC 4716 §3.3 has these three, in bytes. */
const longestLine = 72
const longestTag = 64
const longestValue = 1024
/** What ssh-keygen breaks at. */
const bodyWidth = 70

interface Block {
  readonly headers: ReadonlyMap<string, string>
  readonly base64: string
}

const tooLong = (place: Place): Error => malformed(place, 'a header is longer than RFC 4716 has it')

/** Headers go on to the next line by a backslash, and end with the first line that has no colon (RFC 4716 §3.3). */
const readBlock = (lines: readonly string[], place: Place): Block => {
  const headers = new Map<string, string>()
  let at = 0
  for (; at < lines.length && lines[at].includes(':'); at++) {
    let line = lines[at]
    while (line.endsWith('\\')) {
      if (at + 1 >= lines.length) throw malformed(place, 'a header goes on and there is no next line')
      // Looked at while it grows: thousands of pieces would be put together once for each.
      if (line.length > longestTag + 2 * longestValue) throw tooLong(place)
      line = line.slice(0, -1) + lines[++at]
    }
    const colon = line.indexOf(':')
    const [tag, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    if (tag.length > longestTag || value.length > longestValue) throw tooLong(place)
    headers.set(tag, value)
  }
  return { headers, base64: lines.slice(at).join('').replaceAll(/\s/g, '') }
}

/** Quotation marks around a comment are not of it (RFC 4716 §3.3.2). */
const unquoted = (text: string): string => (/^".*"$/.test(text) && text.length > 1 ? text.slice(1, -1) : text)

const readKey = (text: string, place: Place): PublicKey => {
  const { headers, base64 } = readBlock(
    text.split(/\r\n|\r|\n/).filter(line => line !== ''),
    place,
  )
  const blob = decodeBase64(base64)
  if (blob === undefined || blob.length === 0) throw malformed(place, 'what stands between its first and last line is not base64')
  return read(place, () => parsePublicKey(blob)).withComment(unquoted(headers.get('comment') ?? ''))
}

/** The header in lines of at most 72 bytes; characters stay whole. */
const commentLines = (comment: string): readonly string[] => {
  const lines: string[] = []
  let line = ''
  let size = 0
  for (const character of `Comment: "${comment}"`) {
    const bytes = new TextEncoder().encode(character).length
    if (size + bytes > longestLine - 1) {
      lines.push(`${line}\\`)
      line = ''
      size = 0
    }
    line += character
    size += bytes
  }
  return [...lines, line]
}

/** Without line breaks and in at most the bytes there is room for. */
const shortened = (comment: string): string => {
  const oneLine = comment.replaceAll(/[\r\n]+/g, ' ').trim()
  let kept = ''
  let size = 2
  for (const character of oneLine) {
    size += new TextEncoder().encode(character).length
    if (size > longestValue) break
    kept += character
  }
  return kept
}

export const rfc4716Format: PublicKeyFormat = {
  name,
  recognises: text => text.includes(begin),
  read: (text, path) => {
    const place: Place = { path, format: name, isPublic: true }
    const keys: PublicKey[] = []
    let to = 0
    for (let from = text.indexOf(begin); from >= 0; from = text.indexOf(begin, to)) {
      to = text.indexOf(end, from)
      if (to < 0) throw malformed(place, `its last line (${end}) is missing`)
      keys.push(readKey(text.slice(from + begin.length, to), place))
    }
    return keys
  },
  write: key => {
    const comment = shortened(key.comment)
    return `${[begin, ...(comment === '' ? [] : commentLines(comment)), ...wrapped(key.blob, bodyWidth), end].join('\n')}\n`
  },
}

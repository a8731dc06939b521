// Owns the lines around a key in base64: `-----BEGIN label-----`, RFC 1421 headers, and the end line. Knows nothing of what
// the bytes are.
import { decodeBase64, encodeBase64 } from '../base64.ts'
import { malformed, type Place } from './format.ts'

export interface Armoured {
  readonly headers: ReadonlyMap<string, string>
  readonly bytes: Uint8Array
  /** Where in the text the end line ends. */
  readonly end: number
}

export const hasArmour = (text: string, label: string): boolean => text.includes(`-----BEGIN ${label}-----`)

/** What stands between `-----BEGIN label-----` and its end line, from `start` on. Throws KEY_MALFORMED. */
export const armoured = (text: string, label: string, place: Place, start = 0): Armoured => {
  const begin = `-----BEGIN ${label}-----`
  const end = `-----END ${label}-----`
  const from = text.indexOf(begin, start)
  const to = text.indexOf(end, from + begin.length)
  if (from < 0 || to < 0) throw malformed(place, `its last line (${end}) is missing`)
  const headers = new Map<string, string>()
  let base64 = ''
  for (const line of text.slice(from + begin.length, to).split(/\r?\n/)) {
    const colon = line.indexOf(':')
    if (colon < 0) base64 += line.replaceAll(/\s/g, '')
    else headers.set(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  const bytes = decodeBase64(base64)
  if (bytes === undefined || bytes.length === 0) throw malformed(place, 'what stands between its first and last line is not base64')
  return { headers, bytes, end: to + end.length }
}

/** Base64 in lines of `width`. */
export const wrapped = (bytes: Uint8Array, width: number): readonly string[] => {
  const text = encodeBase64(bytes)
  return Array.from({ length: Math.ceil(text.length / width) }, (_, line) => text.slice(line * width, (line + 1) * width))
}

/** The whole text. `headers` are lines, and an empty one follows them. */
export const armour = (label: string, bytes: Uint8Array, width: number, headers: readonly string[] = []): string => {
  const above = headers.length === 0 ? [] : [...headers, '']
  return `${[`-----BEGIN ${label}-----`, ...above, ...wrapped(bytes, width), `-----END ${label}-----`].join('\n')}\n`
}

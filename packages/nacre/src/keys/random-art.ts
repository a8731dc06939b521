// Owns the drawing people know a key by: a bishop walks over a field by the bits of the fingerprint, as in OpenSSH (after
// Loss, Limmer, von Gernler, "The drunken bishop"). Knows nothing of where it is shown.
import { type FingerprintHash, fingerprintDigest, shortTypeName } from './fingerprint.ts'
import type { PublicKey } from './public.ts'

const width = 17
const height = 9
/** How often a square was visited; the last two mark start and end. */
const marks = ' .o+=*BOX@%&#/^SE'
const startMark = marks.length - 2
const endMark = marks.length - 1

const limited = (value: number, below: number): number => Math.min(Math.max(value, 0), below - 1)

const walk = (digest: Uint8Array): Uint8Array => {
  const field = new Uint8Array(width * height)
  let [x, y] = [width >> 1, height >> 1]
  for (const byte of digest) {
    for (let shift = 0; shift < 8; shift += 2) {
      const step = byte >> shift
      x = limited(x + ((step & 1) === 0 ? -1 : 1), width)
      y = limited(y + ((step & 2) === 0 ? -1 : 1), height)
      const square = y * width + x
      if (field[square] < startMark - 1) field[square]++
    }
  }
  field[(height >> 1) * width + (width >> 1)] = startMark
  field[y * width + x] = endMark
  return field
}

const border = (text: string): string => {
  const before = (width - text.length) >> 1
  return `+${'-'.repeat(before)}${text}${'-'.repeat(width - before - text.length)}+`
}

/** The title's buffer in OpenSSH is one short: what would just fill the border is cut, what is longer loses its size first. */
const titleOf = ({ type, bits }: PublicKey): string => {
  const name = shortTypeName(type)
  const whole = `[${name} ${bits}]`
  return (whole.length > width ? `[${name}]` : whole).slice(0, width - 1)
}

/** What `ssh-keygen -l -v` draws: eleven lines, without a line break behind the last. Of a certificate, the key's. */
export const randomArt = (key: PublicKey, hash: FingerprintHash = 'sha256'): string => {
  const field = walk(fingerprintDigest(key.plainBlob, hash))
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from(field.subarray(y * width, (y + 1) * width), visits => marks[visits]).join(''),
  )
  return [border(titleOf(key)), ...rows.map(row => `|${row}|`), border(`[${hash.toUpperCase()}]`)].join('\n')
}

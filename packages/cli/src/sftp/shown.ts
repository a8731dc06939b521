// Owns how names and numbers look on the screen: what cannot be shown escaped, columns, sizes with units. Knows no files.
import { widthOf } from '../transfer/width.ts'

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`
const bytes = new TextEncoder()
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/** `text` with what could move the cursor or hide something as `\001`, byte by byte, as vis(3) has it. */
export const visible = (text: string): string => {
  let shown = ''
  for (const character of text) {
    const code = character.codePointAt(0) as number
    // A lone surrogate stands for a byte that is no UTF-8.
    if (code >= 0xdc80 && code <= 0xdcff) shown += octal(code - 0xdc00)
    else if (unseen.test(character)) for (const byte of bytes.encode(character)) shown += octal(byte)
    else shown += character
  }
  return shown
}

/** The same for messages, where a backslash is doubled. */
export const inMessage = (text: string): string => visible(text.replaceAll('\\', '\\\\'))

/** Texts, visible already, below each other in as many columns as fit; `widest` of them, and blanks after each as OpenSSH has it. */
export const inColumns = (texts: readonly string[], widest: number, screen: number): string => {
  const columns = Math.max(1, Math.floor(screen / (widest + 2)))
  const space = Math.min(screen, Math.floor(screen / columns))
  let shown = ''
  for (const [index, text] of texts.entries()) {
    shown += text + ' '.repeat(Math.max(0, space - widthOf(text)))
    if ((index + 1) % columns === 0) shown += '\n'
  }
  return texts.length % columns === 0 ? shown : `${shown}\n`
}

const units = 'BKMGTPE'

/** Bytes in at most four characters and a unit, as fmt_scaled(3): `0B`, `4.0K`, `252G`. */
export const scaled = (value: number): string => {
  let unit = 0
  let whole = value
  let rest = 0
  for (; whole >= 1024 && unit < units.length - 1; unit++) {
    rest = whole % 1024
    whole = Math.floor(whole / 1024)
  }
  let tenths = Math.floor((rest * 10 + 512) / 1024)
  if (tenths >= 10) {
    whole++
    tenths = 0
  }
  if (whole === 0) return '0B'
  if (unit === 0) return `${whole}B`
  if (whole >= 100) return `${whole + (tenths >= 5 ? 1 : 0)}${units[unit]}`
  return `${whole}.${tenths}${units[unit]}`
}

// Owns how wide a text is on a terminal, and cutting one to a width. Knows nothing of what is shown.
import { eastAsianWidth } from 'get-east-asian-width'

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Columns of one grapheme: 2 for East Asian wide characters and emoji, 0 for marks that stand alone. */
const graphemeWidth = (grapheme: string): number => {
  const first = grapheme.codePointAt(0) as number
  if (first < 0x300) return 1
  if (/^[\p{M}\p{Cf}\p{Cc}]/u.test(grapheme)) return 0
  if (/^\p{RGI_Emoji}$/v.test(grapheme)) return 2
  return eastAsianWidth(first)
}

/** Columns `text` takes, which has no control characters. */
export const widthOf = (text: string): number => {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** `text` in exactly `width` columns: cut, or filled up with blanks. */
export const fitted = (text: string, width: number): string => {
  let shown = ''
  let taken = 0
  for (const { segment } of graphemes.segment(text)) {
    const more = graphemeWidth(segment)
    if (taken + more > width) break
    shown += segment
    taken += more
  }
  return shown + ' '.repeat(Math.max(0, width - taken))
}

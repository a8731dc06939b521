// Owns cutting a text into lines that put together are the same text again, and a line more at its end, and what
// stands around a line. Knows nothing of what the lines say.

/** The lines of a text with their line breaks; the last may have none, and an empty text has no line. */
export const eachLine = (text: string): readonly string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

/**
 * A line without the blanks around it, and without carriage returns at its end. Not by a pattern: one for what stands at an end
 * looks at a long run of blanks elsewhere once for each of them.
 */
export const withoutBlanks = (line: string, first = ' \t'): string => {
  let from = 0
  let to = line.length
  while (from < to && first.includes(line[from])) from++
  while (to > from && ' \t\r'.includes(line[to - 1])) to--
  return line.slice(from, to)
}

/** The line break a text uses: that of its first line. */
const lineBreakOf = (text: string): string => (/^[^\n]*\r\n/.test(text) ? '\r\n' : '\n')

/** The text with a line at its end. A last line without a line break gets one before. */
export const withLine = (text: string, line: string): string => {
  const lineBreak = lineBreakOf(text)
  return `${text}${text === '' || text.endsWith('\n') ? '' : lineBreak}${line}${lineBreak}`
}

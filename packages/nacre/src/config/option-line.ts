// Owns a letter of a command line as a line of ssh_config. Knows nothing of which letters there are.
import type { ConfigSource } from './document.ts'
import { quoteWord } from './kinds.ts'

/** An option of the command line as a source: what a letter says, not a line of `-o`. The value is one word. */
export const optionLine = (keyword: string, value: string): ConfigSource => ({
  path: 'command line',
  text: `${keyword} ${quoteWord(value)}`,
  isOption: true,
})

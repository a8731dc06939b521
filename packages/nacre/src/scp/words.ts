// Owns reading a command line as a POSIX shell would, as far as that needs no shell: quotes, backslashes, `~` and patterns.
// Whatever a shell would do more than that (variables, substitution, several commands) makes a line none of ours. Knows
// nothing of what the words mean.

export interface Word {
  /** What it says, without quotes. A user's home is still to be put in front where `home` is set. */
  readonly text: string
  /** The same as a pattern, in which a backslash takes the meaning of the character after it. */
  readonly pattern: string
  /** Whether the pattern has a `*`, `?` or `[` that means something. */
  readonly isPattern: boolean
  /** The user whose home stands before `text`, '' for one's own: the word began with `~`. */
  readonly home: string | undefined
}

/** Characters that mean something to a shell outside quotes. */
const meaning = /[;&|<>()$`\n\0]/
const special = /[*?[\]\\]/

/** One word being read. */
class Growing {
  #text = ''
  #pattern = ''
  #isPattern = false
  /** Where the unquoted beginning ends: what `~` may look at. */
  #plain = ''
  #quoted = false
  begun = false

  add(character: string, quoted: boolean): void {
    this.begun = true
    this.#text += character
    if (quoted) this.#quoted = true
    else if (!this.#quoted) this.#plain += character
    if (!quoted && /[*?[]/.test(character)) this.#isPattern = true
    this.#pattern += quoted && special.test(character) ? `\\${character}` : character
  }

  /** Quotes with nothing between them are a word too. */
  quote(): void {
    this.begun = true
    this.#quoted = true
  }

  get word(): Word {
    const tilde = /^~([^/]*)/.exec(this.#text)
    // The name after the tilde counts only when none of it was quoted.
    const home =
      tilde !== null && this.#plain.startsWith(tilde[0]) && (this.#plain.length > tilde[0].length || !this.#quoted) ? tilde[1] : undefined
    const skip = home === undefined ? 0 : home.length + 1
    return { text: this.#text.slice(skip), pattern: this.#pattern.slice(skip), isPattern: this.#isPattern, home }
  }
}

/** The words of a line, or `undefined` when only a shell could tell. */
export const shellWords = (line: string): readonly Word[] | undefined => {
  const words: Word[] = []
  let word = new Growing()
  const end = (): void => {
    if (word.begun) words.push(word.word)
    word = new Growing()
  }
  for (let at = 0; at < line.length; at++) {
    const character = line[at]
    if (character === ' ' || character === '\t') end()
    else if (character === '\\') {
      if (++at >= line.length || line[at] === '\n') return undefined
      word.add(line[at], true)
    } else if (character === "'") {
      const close = line.indexOf("'", at + 1)
      if (close < 0) return undefined
      word.quote()
      for (const each of line.slice(at + 1, close)) word.add(each, true)
      at = close
    } else if (character === '"') {
      word.quote()
      for (at++; at < line.length && line[at] !== '"'; at++) {
        if (line[at] === '$' || line[at] === '`') return undefined
        if (line[at] === '\\' && /["\\$`]/.test(line[at + 1] ?? '')) at++
        word.add(line[at], true)
      }
      if (at >= line.length) return undefined
    } else if (meaning.test(character) || (character === '#' && !word.begun)) return undefined
    else word.add(character, false)
  }
  end()
  return words
}

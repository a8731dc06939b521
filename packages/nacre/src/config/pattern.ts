// Owns OpenSSH's patterns of names: `*`, `?`, and lists with `!`. Knows nothing of what the names are.

/** True when `text` fits `pattern`, in which `*` stands for any characters and `?` for one. Case counts. */
export const matchesPattern = (pattern: string, text: string): boolean => {
  let at = 0
  let star = -1
  let retry = 0
  let index = 0
  // One remembered star is enough: what an earlier star could have taken, the later one can take as well.
  while (at < text.length) {
    if (index < pattern.length && pattern[index] === '*') {
      star = index++
      retry = at
    } else if (index < pattern.length && (pattern[index] === '?' || pattern[index] === text[at])) {
      index++
      at++
    } else if (star >= 0) {
      index = star + 1
      at = ++retry
    } else return false
  }
  while (index < pattern.length && pattern[index] === '*') index++
  return index === pattern.length
}

/** True when one pattern of the list fits and none that begins with `!` does. */
export const matchesPatternList = (patterns: readonly string[], text: string): boolean => {
  let found = false
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (matchesPattern(pattern.slice(1), text)) return false
    } else if (matchesPattern(pattern, text)) found = true
  }
  return found
}

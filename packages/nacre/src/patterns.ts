// Owns OpenSSH's patterns: `*` and `?` wildcards, comma lists with `!` negation (ssh_config(5), PATTERNS). Knows nothing
// of what is matched.

/** `*` is any number of characters, `?` is one. Takes at most pattern × text steps, whatever the pattern. */
export const matchesWildcard = (pattern: string, text: string): boolean => {
  let p = 0
  let t = 0
  let star = -1
  let resume = 0
  while (t < text.length) {
    if (p < pattern.length && pattern[p] === '*') {
      star = p++
      resume = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++resume
    } else return false
  }
  while (p < pattern.length && pattern[p] === '*') p++
  return p === pattern.length
}

/** True when one pattern matches and no negated one does, in any order. Case is up to the caller. */
export const matchesPatternList = (patterns: readonly string[], text: string): boolean => {
  let matched = false
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!')
    if (!matchesWildcard(negated ? pattern.slice(1) : pattern, text)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

// Owns guessing which name a misspelt one was meant to be. Knows nothing of what the names are for.

/** Letters to change, add or drop to get from one word to another (Levenshtein). */
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) next[j] = Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1))
    row = next
  }
  return row[to.length]
}

const longest = 64

/** The name closest to what was written, in any case, when one is close enough to be meant. */
export const nearest = (written: string, names: readonly string[]): string | undefined => {
  // What is longer than any name is not one misspelt, and comparing costs the product of the lengths.
  if (written.length > longest) return undefined
  let best: string | undefined
  let least = Math.min(4, Math.ceil(written.length / 3) + 1)
  for (const name of names) {
    const away = distance(written.toLowerCase(), name.toLowerCase())
    if (away < least) {
      best = name
      least = away
    }
  }
  return best
}

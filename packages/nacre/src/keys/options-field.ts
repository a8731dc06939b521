// Owns where the options in front of a key end, in the files that have such lines. Knows nothing of options or keys.

/** Where the first blank outside double quotes stands; `\"` is no quote. -1 when there is none. */
export const endOfOptions = (line: string): number => {
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\' && line[i + 1] === '"') i++
    else if (line[i] === '"') quoted = !quoted
    else if (!quoted && (line[i] === ' ' || line[i] === '\t')) return i
  }
  return -1
}

/** A key type stands first when there are no options. Unknown types are told from options by the base64 that follows. */
export const startsWithKey = (line: string): boolean => /^[^\s"=,]+[ \t]+AAAA[A-Za-z0-9+/]/.test(line)

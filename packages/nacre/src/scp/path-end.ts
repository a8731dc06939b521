// Owns the slashes at the end of a path. Knows nothing of files.

/**
 * A path without the slashes at its end, `least` characters of it staying whatever they are. Not by a pattern: one for what stands
 * at an end looks at a long run elsewhere once for each slash of it, and paths come from the other side.
 */
export const withoutEndSlashes = (path: string, least: 0 | 1): string => {
  let end = path.length
  while (end > least && path[end - 1] === '/') end--
  return path.slice(0, end)
}

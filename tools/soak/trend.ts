// Owns the verdict on a series of measurements: whether it grows, and what is left at the end that was not there at the
// beginning. Knows nothing of processes.

/** Robust slope (Theil and Sen): the median of the slopes between all pairs of points. */
export const slope = (values: readonly number[]): number => {
  const slopes = values.flatMap((late, j) => values.slice(0, j).map((early, i) => (late - early) / (j - i)))
  if (slopes.length === 0) return 0
  slopes.sort((a, b) => a - b)
  const middle = slopes.length >> 1
  return slopes.length % 2 === 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2
}

/** How many of the first rounds do not count: code is still compiled, and pools and caches fill. */
export const warmUp = (rounds: number): number => Math.ceil(rounds / 3)

/** What a series grew by after its warm-up, as its slope tells; one high or low point does not matter. */
export const growth = (values: readonly number[]): number => {
  const later = values.slice(warmUp(values.length))
  return slope(later) * Math.max(0, later.length - 1)
}

/** What there is more of than before, by kind. */
export const leftOver = (before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>): readonly string[] =>
  Object.entries(after)
    .filter(([kind, count]) => count > (before[kind] ?? 0))
    .map(([kind, count]) => `${count - (before[kind] ?? 0)} ${kind}`)

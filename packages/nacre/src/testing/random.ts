// Owns chance that repeats: the same seed gives the same bytes. For tests only; whoever knows the seed knows everything.
import type { Random } from '../crypto/provider.ts'

export interface SeededRandom {
  readonly seed: number
  /** Fills bytes; may stand wherever a provider's randomness is asked for in a test. */
  readonly bytes: Random
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  /** True once in `times`. */
  oneIn(times: number): boolean
  pick<T>(values: readonly T[]): T
  /** Another source, which does not disturb this one. */
  fork(): SeededRandom
}

/** The generator "small fast counter" (sfc32), started from one number. */
export const seededRandom = (seed: number): SeededRandom => {
  let a = seed | 0
  let b = (seed / 2 ** 32) | 0
  let c = 0x9e3779b9
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  // The first numbers still look like the seed.
  for (let i = 0; i < 15; i++) next()
  const random: SeededRandom = {
    seed,
    bytes: target => {
      for (let i = 0; i < target.length; i++) target[i] = next()
    },
    below: limit => Math.floor((next() / 2 ** 32) * limit),
    oneIn: times => random.below(times) === 0,
    pick: values => values[random.below(values.length)],
    fork: () => seededRandom(next()),
  }
  return random
}

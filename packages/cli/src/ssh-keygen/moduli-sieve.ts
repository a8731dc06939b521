// Owns the search for candidates of safe primes: a sieve over odd numbers q from a start on, in which all with a small factor of q or
// of 2q + 1 are struck out. Knows nothing of files.

export interface SieveOptions {
  /** The first q; odd. */
  readonly start: bigint
  /** How many odd numbers from there on are looked at. */
  readonly numbers: number
  /** Factors below this are looked for; at most 2^32. */
  readonly factorsBelow: number
}

export interface SieveResult {
  /** How many primes were tried as factors. */
  readonly tried: number
  /** What is left, in order: q is `start + 2 * index`. */
  candidates(): Generator<bigint, void, undefined>
}

/** Odd numbers of one segment in which primes are looked for. */
const segmentNumbers = 1 << 18

/** All odd primes below `limit`, in order: Eratosthenes, segment by segment. */
function* oddPrimes(limit: number): Generator<number, void, undefined> {
  const small: number[] = []
  for (let low = 3; low < limit; low += 2 * segmentNumbers) {
    const composite = new Uint8Array(segmentNumbers)
    const high = Math.min(limit, low + 2 * segmentNumbers)
    const strike = (prime: number): void => {
      const first = Math.max(prime * prime, Math.ceil(low / prime) * prime)
      const odd = first % 2 === 0 ? first + prime : first
      for (let at = (odd - low) / 2; at < segmentNumbers; at += prime) composite[at] = 1
    }
    for (const prime of small) {
      if (prime * prime >= high) break
      strike(prime)
    }
    for (let at = 0; low + 2 * at < high; at++) {
      if (composite[at] === 1) continue
      const prime = low + 2 * at
      if (low === 3 && prime * prime < high) strike(prime)
      if (prime < 65_536) small.push(prime)
      yield prime
    }
  }
}

/** A bit for each number. */
class Struck {
  readonly #bits: Uint8Array
  readonly #length: number
  constructor(length: number) {
    this.#length = length
    this.#bits = new Uint8Array(Math.ceil(length / 8))
  }
  /** Every `step`th from `first` on. */
  every(first: number, step: number): void {
    const bits = this.#bits
    for (let at = first; at < this.#length; at += step) bits[at >>> 3] |= 1 << (at & 7)
  }
  has(at: number): boolean {
    return (this.#bits[at >>> 3] & (1 << (at & 7))) !== 0
  }
}

/** Strikes out all q with the factor `prime`, and all whose 2q + 1 has it; `rest` is the start modulo the prime. */
const strikeFactor = (struck: Struck, prime: number, rest: number): void => {
  const q = rest === 0 ? 0 : prime - rest
  struck.every((q % 2 === 0 ? q : q + prime) / 2, prime)
  const restOfDouble = (2 * rest + 1) % prime
  let p = restOfDouble === 0 ? 0 : prime - restOfDouble
  while (p % 4 !== 0) p += prime
  struck.every(p / 4, prime)
}

/** Primes whose product has few words are taken together: one division of the large number serves them all. */
const together = 4

/** Sieves. `tick` is called now and then; it may wait, so that others have their turn. */
export const sieve = async ({ start, numbers, factorsBelow }: SieveOptions, tick: () => Promise<void>): Promise<SieveResult> => {
  const struck = new Struck(numbers)
  let group: number[] = []
  let tried = 0
  const take = (): void => {
    const rest = start % group.reduce((product, prime) => product * BigInt(prime), 1n)
    for (const prime of group) strikeFactor(struck, prime, Number(rest % BigInt(prime)))
    tried += group.length
    group = []
  }
  for (const prime of oddPrimes(factorsBelow)) {
    group.push(prime)
    if (group.length === together) take()
    if (tried % (together << 14) === 0 && group.length === 0) await tick()
  }
  if (group.length > 0) take()
  return {
    tried,
    *candidates() {
      for (let at = 0; at < numbers; at++) if (!struck.has(at)) yield start + 2n * BigInt(at)
    },
  }
}

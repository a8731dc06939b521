// Owns finding out which candidates are safe primes with a known generator. Knows nothing of files.
import { checkPrime } from 'node:crypto'
import { type GroupLine, groupTests, groupTypes } from './moduli-line.ts'

export interface ScreenOptions {
  /** Rounds of Miller and Rabin's test. */
  readonly rounds: number
  /** Only groups with this generator; any that is known when left out. */
  readonly generator: number | undefined
}

export type Screened =
  | { readonly is: 'safe'; readonly group: GroupLine }
  /** `counts`: it was worth a test. */
  | { readonly is: 'not'; readonly why: string; readonly counts: boolean }

const leastSize = 511

const isPrime = (number: bigint, checks: number): Promise<boolean> =>
  new Promise((resolve, reject) =>
    checkPrime(number, { checks }, (error, result) => (error instanceof Error ? reject(error) : resolve(result))),
  )

const bitsOf = (number: bigint): number => number.toString(2).length

/** 2 and 5 generate the whole subgroup for these residues; others are not looked for. */
const generatorOf = (p: bigint): number => {
  if (p % 24n === 11n) return 2
  const rest = p % 10n
  return rest === 3n || rest === 7n ? 5 : 0
}

/** Looks at a line of candidates. */
export const screen = async (line: GroupLine, { rounds, generator: wanted }: ScreenOptions): Promise<Screened> => {
  const not = (why: string, counts = false): Screened => ({ is: 'not', why, counts })
  if ((line.tests & groupTests.composite) !== 0) return not('known composite')
  const isHalf = line.type === groupTypes.sophieGermain
  const p = isHalf ? 2n * line.modulus + 1n : line.modulus
  const q = isHalf ? line.modulus : line.modulus >> 1n
  const size = isHalf ? line.size + 1 : line.size
  if (bitsOf(p) !== size + 1) return not(`bit size ${size} mismatch`)
  if (size < leastSize) return not(`bit size ${size} too short`)
  const given = isHalf ? 0 : line.generator
  const generator = given === 0 ? generatorOf(p) : given
  if (wanted !== undefined && wanted !== generator) return not(`generator ${generator} != ${wanted}`)
  if (generator === 0) return not('no known generator')
  // One round weeds most out; the rest of the work is for those that are left.
  if (!(await isPrime(q, 1))) return not('q failed first possible prime test', true)
  if (!(await isPrime(p, rounds))) return not('p is not prime', true)
  if (!(await isPrime(q, rounds - 1))) return not('q is not prime', true)
  const before = (line.tests & groupTests.millerRabin) === 0 ? 0 : line.tries
  return {
    is: 'safe',
    group: { type: groupTypes.safe, tests: line.tests | groupTests.millerRabin, tries: before + rounds, size, generator, modulus: p },
  }
}

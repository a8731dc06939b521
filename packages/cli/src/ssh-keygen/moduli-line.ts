// Owns the lines of moduli files (moduli(5)): groups for Diffie-Hellman key exchange and candidates for them. Knows nothing of how
// primes are found.

export const groupTypes = { safe: 2, sophieGermain: 4 } as const
/** What has been done to find out whether a number is prime. */
export const groupTests = { composite: 1, sieve: 2, millerRabin: 4 } as const

export interface GroupLine {
  readonly type: number
  readonly tests: number
  readonly tries: number
  /** The number of the highest bit, which is one less than the size in bits. */
  readonly size: number
  readonly generator: number
  readonly modulus: bigint
}

/** `YYYYMMDDhhmmss`, in UTC. */
const stamp = (time: Date): string => time.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)

/** A line with its end. */
export const formatGroupLine = (group: GroupLine, time: Date): string => {
  const { type, tests, tries, size, generator, modulus } = group
  return `${stamp(time)} ${type} ${tests} ${tries} ${size} ${generator.toString(16)} ${modulus.toString(16).toUpperCase()}\n`
}

/** `undefined` for comments and what is no line of a moduli file. */
export const parseGroupLine = (line: string): GroupLine | undefined => {
  const fields = /^\d{14} +(\d+) +(\d+) +(\d+) +(\d+) +([0-9a-f]+) +([0-9a-f]+)\s*$/i.exec(line)
  if (fields === null) return undefined
  const [type, tests, tries, size] = fields.slice(1, 5).map(Number)
  return { type, tests, tries, size, generator: parseInt(fields[5], 16), modulus: BigInt(`0x${fields[6]}`) }
}

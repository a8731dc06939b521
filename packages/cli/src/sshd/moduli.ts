// Owns the groups a moduli file (moduli(5)) has for clients that ask for one: which lines count, one of each size. Knows nothing of
// key exchange.
import { randomInt } from 'node:crypto'
import { groupTests, groupTypes, parseGroupLine } from '../ssh-keygen/moduli-line.ts'

export interface ModuliGroup {
  readonly p: Uint8Array
  readonly g: Uint8Array
}

const leastBits = 2048
const mostBits = 8192

/** A whole number as its bytes, highest first. */
const bytesOf = (value: bigint): Uint8Array => {
  const hex = value.toString(16)
  return Uint8Array.from(Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'))
}

/**
 * One group for each size from 2048 to 8192 bits, picked by `pick` (a number below its argument) among the safe primes of that size
 * that have been tested. The size counts that the number has, whatever the line says.
 */
export const groupsIn = (text: string, pick: (below: number) => number = randomInt): readonly ModuliGroup[] => {
  const bySize = new Map<number, ModuliGroup[]>()
  for (const line of text.split('\n')) {
    const found = parseGroupLine(line)
    if (found === undefined || found.type !== groupTypes.safe || (found.tests & groupTests.composite) !== 0) continue
    if ((found.tests & ~groupTests.composite) === 0) continue
    const bits = found.modulus.toString(2).length
    if (bits < leastBits || bits > mostBits) continue
    bySize.set(bits, [...(bySize.get(bits) ?? []), { p: bytesOf(found.modulus), g: bytesOf(BigInt(found.generator)) }])
  }
  return [...bySize].toSorted(([a], [b]) => a - b).map(([, groups]) => groups[pick(groups.length)])
}

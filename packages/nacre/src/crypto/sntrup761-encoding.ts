// Owns how lists of small numbers become bytes in NTRU Prime: mixed-radix integers, joined in pairs and cut into bytes
// (NTRU Prime, round 3, §"Encode" and "Decode"), and four small coefficients to a byte. Knows nothing of keys.
import { p } from './sntrup761-field.ts'

/** Numbers above this are cut into bytes before two of them are joined again. */
const limit = 16384

const joined = (moduli: readonly number[], cut: (modulus: number) => number): number[] => {
  const next: number[] = []
  for (let i = 0; i + 1 < moduli.length; i += 2) next.push(cut(moduli[i] * moduli[i + 1]))
  if (moduli.length % 2 === 1) next.push(moduli[moduli.length - 1])
  return next
}

const bytesCut = (modulus: number): number => (modulus > 256 * (limit - 1) ? 2 : modulus >= limit ? 1 : 0)
const afterCut = (modulus: number): number => Math.ceil(modulus / 256 ** bytesCut(modulus))

/** The moduli at every level, from `count` times `modulus` down to a single one. */
const levelsOf = (modulus: number, count: number): readonly (readonly number[])[] => {
  const levels = [Array.from({ length: count }, () => modulus)]
  for (let last = levels[0]; last.length > 1; levels.push(last)) last = joined(last, afterCut)
  return levels
}

export interface RadixCode {
  /** Appends the bytes of `numbers`, each below the modulus, at `start`; returns where they end. */
  encode(numbers: Int32Array, into: Uint8Array, start: number): number
  /** The numbers of the bytes at `start`. Any bytes give numbers below the modulus. Its time depends on the bytes. */
  decode(from: Uint8Array, start: number): Int32Array
}

/** The code of p numbers below `modulus`. */
export const radixCode = (modulus: number): RadixCode => {
  const levels = levelsOf(modulus, p)
  return {
    encode(numbers, into, start) {
      let at = start
      const values = numbers.slice()
      const cut = (value: number, bytes: number): number => {
        for (let k = 0; k < bytes; k++) into[at++] = value >> (8 * k)
        return value >> (8 * bytes)
      }
      for (const moduli of levels) {
        const count = moduli.length
        if (count === 1) cut(values[0], moduli[0] === 1 ? 0 : moduli[0] <= 256 ? 1 : 2)
        for (let i = 0; i + 1 < count; i += 2) {
          values[i >> 1] = cut(values[i] + Math.imul(values[i + 1], moduli[i]), bytesCut(moduli[i] * moduli[i + 1]))
        }
        if (count % 2 === 1) values[count >> 1] = values[count - 1]
      }
      values.fill(0)
      return at
    },
    decode(from, start) {
      let at = start
      const take = (bytes: number): number => {
        let value = 0
        for (let k = 0; k < bytes; k++) value |= from[at++] << (8 * k)
        return value
      }
      const low = levels.map(moduli => {
        const pairs = new Int32Array(moduli.length >> 1)
        for (let i = 0; i < pairs.length; i++) pairs[i] = take(bytesCut(moduli[2 * i] * moduli[2 * i + 1]))
        return pairs
      })
      const [last] = levels[levels.length - 1]
      const values = new Int32Array(p)
      values[0] = take(last === 1 ? 0 : last <= 256 ? 1 : 2) % last
      for (let level = levels.length - 2; level >= 0; level--) {
        const moduli = levels[level]
        const count = moduli.length
        // From the end, so that what is split has not been overwritten.
        if (count % 2 === 1) values[count - 1] = values[count >> 1]
        for (let i = (count >> 1) - 1; i >= 0; i--) {
          const even = moduli[2 * i]
          const value = low[level][i] + values[i] * 256 ** bytesCut(even * moduli[2 * i + 1])
          values[2 * i] = value % even
          values[2 * i + 1] = Math.floor(value / even) % moduli[2 * i + 1]
        }
      }
      return values
    },
  }
}

/** Bytes of p small coefficients. */
export const smallBytes = (p + 3) >> 2

/** Four coefficients of -1, 0, 1 to a byte. */
export const encodeSmall = (coefficients: Int8Array): Uint8Array => {
  const bytes = new Uint8Array(smallBytes)
  for (let i = 0; i < p; i++) bytes[i >> 2] |= (coefficients[i] + 1) << (2 * (i & 3))
  return bytes
}

export const decodeSmall = (bytes: Uint8Array): Int8Array => {
  const coefficients = new Int8Array(p)
  for (let i = 0; i < p; i++) coefficients[i] = ((bytes[i >> 2] >> (2 * (i & 3))) & 3) - 1
  return coefficients
}

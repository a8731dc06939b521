// Owns the sizes of keys we accept, in one place: what is too weak to be used and what is too large to be read. Knows
// nothing of where a key came from.
import type { PublicKeyNumbers } from '../../crypto/provider.ts'
import { bitLength } from './integers.ts'

/** RSA keys below this many bits are refused when they are used. */
export const minimumRsaBits = 2048
/** RSA keys above this many bits are refused when they are read: they cost seconds and protect nobody. */
export const maximumRsaBits = 16384

/** Says why a key is too weak to be used, in words that follow "the key"; `undefined` when it is not. */
export const tooWeak = (numbers: PublicKeyNumbers, minimum = minimumRsaBits): string | undefined => {
  if (numbers.kind !== 'rsa') return undefined
  const bits = bitLength(numbers.n)
  return bits < minimum ? `has ${bits} bits, and RSA keys need at least ${minimum}` : undefined
}

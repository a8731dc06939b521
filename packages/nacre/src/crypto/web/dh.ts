// Owns finite-field Diffie-Hellman with BigInt. Knows nothing of SSH's groups and limits: the caller has checked the group
// and the peer's value. An exponent lives for one exchange; BigInt does not hide how long it takes (decision 0012).
import { fromBig, toBig } from '../magnitude.ts'
import type { DhAgreement, Random } from '../provider.ts'
import { power } from './big.ts'
import { drawn } from './random.ts'

/** A private exponent of exactly `bits` bits. */
const exponentOf = (bits: number, random: Random): bigint => {
  const bytes = drawn(random, Math.ceil(bits / 8))
  const top = (bits - 1) % 8
  bytes[0] = (bytes[0] & ((1 << top) - 1)) | (1 << top)
  const exponent = toBig(bytes)
  bytes.fill(0)
  return exponent
}

/** Our side in `group`, computed at once. */
export const dh = (group: { readonly p: Uint8Array; readonly g: Uint8Array }, exponentBits: number, random: Random): DhAgreement => {
  const p = toBig(group.p)
  if (p < 5n || p % 2n === 0n) throw new RangeError('the modulus of the group is no odd prime')
  const bits = p.toString(2).length
  const x = exponentOf(Math.max(2, Math.min(exponentBits, bits - 1)), random)
  return {
    publicKey: fromBig(power(toBig(group.g) % p, x, p)),
    agree(theirs) {
      const y = toBig(theirs)
      if (y < 2n || y > p - 2n) throw new RangeError('the public value is not between 1 and p - 1')
      return fromBig(power(y, x, p))
    },
  }
}

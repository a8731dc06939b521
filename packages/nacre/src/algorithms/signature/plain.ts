// Owns what the rows of ordinary keys have in common: the kind of their numbers, and signatures that are one raw value with
// nothing behind it. Knows no algorithm by name.
import type { HashName, PublicKeyNumbers } from '../../crypto/provider.ts'
import type { SignatureAlgorithm, SignatureProof } from '../rows.ts'

/** `numbers` if they are of `kind`; a `TypeError` else, since rows are only handed what they read themselves. */
export const ofKind = <T extends { readonly kind: string }, const K extends T['kind']>(numbers: T, kind: K): Extract<T, { kind: K }> => {
  if (numbers.kind !== kind) throw new TypeError(`a key of kind ${numbers.kind} where ${kind} belongs`)
  return numbers as Extract<T, { kind: K }>
}

/** A row whose signatures are one value in the raw form providers take and give. */
export interface PlainSignature<N extends string = string> extends SignatureAlgorithm<N> {
  readonly hash: HashName | undefined
  /** From the inner part of an SSH signature blob to the provider's raw form; throws `WireError`. */
  decodeSignature(blob: Uint8Array, numbers: PublicKeyNumbers): Uint8Array
  /** The other way. */
  encodeSignature(raw: Uint8Array): Uint8Array
}

/** All there is to say about a signature of a key that lies in no token. Shared: logins make none of their own. */
const plainProof: SignatureProof = Object.freeze({ securityKey: undefined })

export const plainSignature = <const N extends string>(
  row: Pick<PlainSignature<N>, 'name' | 'standing' | 'keyType' | 'hash' | 'decodeSignature' | 'encodeSignature'>,
): PlainSignature<N> => ({
  ...row,
  verify(_crypto, key, data, signature, behind) {
    behind.finish()
    return key.verifier.verify(row.hash, data, row.decodeSignature(signature, key.numbers)) ? plainProof : undefined
  },
  sign(key, data) {
    const raw = key.sign(row.hash, data)
    return raw instanceof Uint8Array ? row.encodeSignature(raw) : raw.then(each => row.encodeSignature(each))
  },
})

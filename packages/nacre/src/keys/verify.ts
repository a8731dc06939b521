// Owns the check of a whole signature blob against a key blob. Knows nothing of what was signed or who may sign; a bad
// signature is an answer, not an error.
import type { KeyType, SignatureAlgorithm } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { bytes, decode, struct, text } from '../wire/codec.ts'
import { parsePublicKey } from './public.ts'

/** RFC 4253 §6.6: the signature blob. */
export const signatureBlob = struct({ algorithm: text, signature: bytes })

export interface SignatureClaim {
  /** Public key blob. */
  readonly publicKey: Uint8Array
  /** The signature algorithm that was agreed on; the blob must name exactly this one. */
  readonly algorithm: string
  readonly data: Uint8Array
  /** `string algorithm, string signature`. */
  readonly signature: Uint8Array
  /** RSA keys with fewer bits prove nothing. Default 2048. */
  readonly minimumRsaBits?: number
}

/** True when the signature is right. False for every other case: malformed, another algorithm, unknown type, weak key. */
export const verifySignature = (
  crypto: CryptoProvider,
  tables: { readonly signatures: readonly SignatureAlgorithm[]; readonly keyTypes: readonly KeyType[] },
  claim: SignatureClaim,
): boolean => {
  const row = tables.signatures.find(each => each.name === claim.algorithm)
  if (row === undefined) return false
  // Providers have their own ways to say that a point or a number is bad; whatever they throw, nothing was proven.
  try {
    const { algorithm, signature } = decode(signatureBlob, claim.signature)
    if (algorithm !== claim.algorithm) return false
    const key = parsePublicKey(claim.publicKey, tables.keyTypes)
    if (key.type !== row.keyType || key.numbers === undefined || tooWeak(key.numbers, claim.minimumRsaBits) !== undefined) return false
    return crypto.verifyKey(key.numbers).verify(row.hash, claim.data, row.decodeSignature(signature, key.numbers))
  } catch {
    return false
  }
}

// Owns the check of a whole signature blob against a key blob. Knows nothing of what was signed or who may sign; a bad
// signature is an answer, not an error.
import type { KeyType, SignatureAlgorithm } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import type { CryptoProvider, PublicKeyNumbers, VerifyKey } from '../crypto/provider.ts'
import { bytes, decode, struct, text } from '../wire/codec.ts'
import { parsePublicKey, sameBlob } from './public.ts'

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

interface Tables {
  readonly signatures: readonly SignatureAlgorithm[]
  readonly keyTypes: readonly KeyType[]
}

/** A key that was read and imported, and has made a right signature since. */
interface ProvenKey {
  readonly blob: Uint8Array
  readonly row: SignatureAlgorithm
  readonly keyTypes: readonly KeyType[]
  readonly numbers: PublicKeyNumbers
  readonly verifier: VerifyKey
}

/** By provider, the keys that proved something lately: the same users come again, and the same servers. Nothing secret. */
const lately = new WeakMap<CryptoProvider, ProvenKey[]>()
const mostLately = 16

const remember = (crypto: CryptoProvider, key: ProvenKey): void => {
  const kept = lately.get(crypto) ?? []
  if (kept.length === mostLately) kept.shift()
  kept.push(key)
  lately.set(crypto, kept)
}

/** The key of a blob, if it is of the type that `row` works with. Throws for what is no key. */
const readKey = (
  crypto: CryptoProvider,
  row: SignatureAlgorithm,
  keyTypes: readonly KeyType[],
  blob: Uint8Array,
): ProvenKey | undefined => {
  const key = parsePublicKey(blob, keyTypes)
  if (key.type !== row.keyType || key.numbers === undefined) return undefined
  return { blob: key.blob, row, keyTypes, numbers: key.numbers, verifier: crypto.verifyKey(key.numbers) }
}

/** True when the signature is right. False for every other case: malformed, another algorithm, unknown type, weak key. */
export const verifySignature = (crypto: CryptoProvider, { signatures, keyTypes }: Tables, claim: SignatureClaim): boolean => {
  const row = signatures.find(each => each.name === claim.algorithm)
  if (row === undefined) return false
  // Providers have their own ways to say that a point or a number is bad; whatever they throw, nothing was proven.
  try {
    const { algorithm, signature } = decode(signatureBlob, claim.signature)
    if (algorithm !== claim.algorithm) return false
    const known = lately.get(crypto)?.find(each => each.row === row && each.keyTypes === keyTypes && sameBlob(each.blob, claim.publicKey))
    const key = known ?? readKey(crypto, row, keyTypes, claim.publicKey)
    if (key === undefined || tooWeak(key.numbers, claim.minimumRsaBits) !== undefined) return false
    const right = key.verifier.verify(row.hash, claim.data, row.decodeSignature(signature, key.numbers))
    // Only who holds a key gets it remembered.
    if (right && known === undefined) remember(crypto, key)
    return right
  } catch {
    return false
  }
}

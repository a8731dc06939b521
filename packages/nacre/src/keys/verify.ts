// Owns the check of a whole signature blob against a key blob. Knows nothing of what was signed or who may sign; a bad
// signature is an answer, not an error.
import type { KeyType, OpenedKey, SignatureAlgorithm, SignatureProof } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { bytes, struct, text } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { parsePublicKey, sameBlob } from './public.ts'

/** RFC 4253 §6.6: the signature blob. Security keys put more behind it (PROTOCOL.u2f). */
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
interface ProvenKey extends OpenedKey {
  readonly blob: Uint8Array
  readonly row: SignatureAlgorithm
  readonly keyTypes: readonly KeyType[]
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
  const type = keyTypes.find(each => each.name === key.type)
  if (type === undefined) return undefined
  return { blob: key.blob, row, keyTypes, numbers: key.numbers, verifier: type.verifyKey(crypto, key.numbers) }
}

/**
 * What a right signature proves: with a security key, who was there. `undefined` for every other case: wrong, malformed,
 * another algorithm, unknown type, weak key. Whether a touch was needed is for the caller to say.
 */
export const proveSignature = (
  crypto: CryptoProvider,
  { signatures, keyTypes }: Tables,
  claim: SignatureClaim,
): SignatureProof | undefined => {
  const row = signatures.find(each => each.name === claim.algorithm)
  if (row === undefined) return undefined
  // Providers have their own ways to say that a point or a number is bad; whatever they throw, nothing was proven.
  try {
    const blob = new Reader(claim.signature)
    if (blob.text() !== claim.algorithm) return undefined
    const signature = blob.string()
    const known = lately.get(crypto)?.find(each => each.row === row && each.keyTypes === keyTypes && sameBlob(each.blob, claim.publicKey))
    const key = known ?? readKey(crypto, row, keyTypes, claim.publicKey)
    if (key === undefined || tooWeak(key.numbers, claim.minimumRsaBits) !== undefined) return undefined
    const proof = row.verify(crypto, key, claim.data, signature, blob)
    // Only who holds a key gets it remembered.
    if (proof !== undefined && known === undefined) remember(crypto, key)
    return proof
  } catch {
    return undefined
  }
}

/** True when the signature is right. What a security key said beside it is not looked at: see `proveSignature`. */
export const verifySignature = (crypto: CryptoProvider, tables: Tables, claim: SignatureClaim): boolean =>
  proveSignature(crypto, tables, claim) !== undefined

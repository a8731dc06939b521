// Owns what a server signs to prove that a host key it announced is its own (OpenSSH's PROTOCOL, 2.5), with which algorithm,
// and the check of it. Knows nothing of requests or of what follows from a proof.
import { keyTypes as usualKeyTypes, signatureAlgorithms as usualSignatures } from '../algorithms/signature/table.ts'
import type { KeyType, SignatureAlgorithm } from '../algorithms/rows.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { bytes, encode, struct, text } from '../wire/codec.ts'
import { plainTypeOf } from './certificate-names.ts'
import type { PublicKey } from './public.ts'
import { verifySignature } from './verify.ts'
import { Reader } from '../wire/reader.ts'

const signed = struct({ purpose: text, sessionId: bytes, hostKey: bytes })

/** The data under the signature: nobody can take it for a login or a key exchange, or carry it into another session. */
export const hostKeyProofData = (sessionId: Uint8Array, hostKey: Uint8Array): Uint8Array =>
  encode(signed, { purpose: 'hostkeys-prove-00@openssh.com', sessionId, hostKey })

/**
 * The algorithm a server proves a key with: for RSA keys that of the key exchange, if that was one of theirs, and else the
 * strongest. `undefined` for keys that sign with insecure ones alone.
 */
export const proofAlgorithm = (algorithms: readonly string[], agreedHostKeyAlgorithm: string): string | undefined => {
  const agreed = plainTypeOf(agreedHostKeyAlgorithm)
  if (algorithms.includes(agreed)) return agreed
  return algorithms.find(name => usualSignatures.every(row => row.name !== name || row.standing !== 'insecure'))
}

export interface HostKeyProofClaim {
  readonly key: PublicKey
  readonly sessionId: Uint8Array
  /** The algorithm the host key of the key exchange signed with. */
  readonly agreedHostKeyAlgorithm: string
  /** A whole signature blob. */
  readonly signature: Uint8Array
  /** RSA keys with fewer bits prove nothing. Default 2048. */
  readonly minimumRsaBits?: number
  readonly tables?: { readonly signatures: readonly SignatureAlgorithm[]; readonly keyTypes: readonly KeyType[] }
}

/** `disregarded`: by an algorithm that is not trusted for it, so that the key counts as never announced. */
export type HostKeyProofVerdict = 'proven' | 'wrong' | 'disregarded'

const algorithmNamed = (signature: Uint8Array): string | undefined => {
  try {
    return new Reader(signature).text()
  } catch {
    return undefined
  }
}

/** Checks the proof of one key. */
export const checkHostKeyProof = (crypto: CryptoProvider, claim: HostKeyProofClaim): HostKeyProofVerdict => {
  const { key, sessionId, signature, minimumRsaBits } = claim
  const tables = claim.tables ?? { signatures: usualSignatures, keyTypes: usualKeyTypes }
  const algorithm = algorithmNamed(signature)
  const row = tables.signatures.find(each => each.name === algorithm)
  if (row === undefined || row.keyType !== key.type) return 'wrong'
  const agreed = plainTypeOf(claim.agreedHostKeyAlgorithm)
  const agreedRow = tables.signatures.find(each => each.name === agreed)
  // Whoever negotiated an RSA algorithm must keep to it; otherwise SHA-1 would come back in by this door.
  if (agreedRow?.keyType === key.type ? row.name !== agreed : row.standing === 'insecure') return 'disregarded'
  const right = verifySignature(crypto, tables, {
    publicKey: key.blob,
    algorithm: row.name,
    data: hostKeyProofData(sessionId, key.blob),
    signature,
    ...(minimumRsaBits === undefined ? {} : { minimumRsaBits }),
  })
  return right ? 'proven' : 'wrong'
}

// Owns how the three names around a publickey request belong together: the algorithm asked for, the type in the key
// blob, and the name inside the signature (RFC 8332 §3, OpenSSH's certificate names). Knows no cryptography.
import { escapeForPeople, WireError } from '../errors.ts'
import { certificateTypeOf, isCertificateType, plainTypeOf } from '../keys/certificate-names.ts'
import { bytes, decode, rest, struct, text } from '../wire/codec.ts'

/** The name a signature made with `algorithm` carries: a certificate's key signs under its plain name. */
export const signatureNameOf = plainTypeOf

/** The type a key blob must name for `algorithm`. RSA keys have one type and several algorithms (RFC 8332 §3). */
export const keyTypeOf = (algorithm: string): string => {
  if (algorithm === 'rsa-sha2-256' || algorithm === 'rsa-sha2-512') return 'ssh-rsa'
  if (isCertificateType(algorithm) && algorithm.startsWith('rsa-sha2-')) return certificateTypeOf(keyTypeOf(plainTypeOf(algorithm)))
  return algorithm.startsWith('webauthn-sk-') ? algorithm.slice('webauthn-'.length) : algorithm
}

const startsWithName = struct({ name: text, rest })

/** The type a key blob names; throws `WireError` when it is no key blob (RFC 4253 §6.6). */
export const blobType = (publicKey: Uint8Array): string => decode(startsWithName, publicKey).name

// Security keys put flags and a counter behind the signature, so bytes may follow.
const signatureBlob = struct({ name: text, signature: bytes, rest })

/** The algorithm a signature blob names; throws `WireError` when it is none. */
export const signatureBlobName = (signature: Uint8Array): string => decode(signatureBlob, signature).name

/** Why a signature we were given must not be sent. Its maker may be an agent or a program, so nothing is taken on trust. */
export const unfitSignature = (algorithm: string, signature: Uint8Array): string | undefined => {
  const wanted = signatureNameOf(algorithm)
  try {
    const made = signatureBlobName(signature)
    // Agents that do not know the flags of RFC 8332 sign with SHA-1; the server would refuse that without a reason.
    return made === wanted ? undefined : `the signer answered with ${escapeForPeople(made, { limit: 64 })} where ${wanted} was asked for`
  } catch (error) {
    if (error instanceof WireError) return `the signer answered with something that is no signature: ${error.message}`
    throw error
  }
}

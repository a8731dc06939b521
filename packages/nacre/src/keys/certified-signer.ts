// Owns the signer that shows a certificate instead of its key: over a key file, an agent, whatever signs. Knows nothing of
// who accepts certificates. Also how a signature by a certificate is checked: as one by the key that is certified.
import type { KeyType } from '../algorithms/rows.ts'
import { KeyFormatError, SshError } from '../errors.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { certificateTypeOf, isCertificateType, plainTypeOf } from './certificate-names.ts'
import { fingerprint } from './fingerprint.ts'
import { parsePublicKey } from './public.ts'
import type { Signer } from './signer.ts'
import type { SignatureClaim } from './verify.ts'

/**
 * A signer whose public key is `certificate`, over one that signs with the certified key. Its algorithms have the names of
 * certificates. Throws `KeyFormatError` (KEY_MALFORMED) when the certificate is of another key.
 */
export const certifiedSigner = (signer: Signer, certificate: Certificate): Signer => {
  if (!certificate.key.equals(signer.publicKey)) {
    const { type } = signer.publicKey
    throw new KeyFormatError(
      'KEY_MALFORMED',
      `The certificate is of the ${certificate.key.type} key ${certificate.key.fingerprint()}, not of the ${type} key ${signer.publicKey.fingerprint()} of ${signer.source}.`,
    )
  }
  const algorithms = signer.algorithms.map(certificateTypeOf)
  return {
    publicKey: parsePublicKey(certificate.blob).withComment(signer.publicKey.comment),
    algorithms,
    source: `${signer.source} (certificate)`,
    slow: signer.slow,
    sign(data, algorithm) {
      if (!algorithms.includes(algorithm)) throw new TypeError(`a ${certificate.type} certificate cannot sign as ${algorithm}`)
      return signer.sign(data, plainTypeOf(algorithm))
    },
  }
}

/**
 * What has to be checked of a signature that names a certificate: the certified key, under its plain algorithm. Claims of
 * plain keys come back as they are. Throws `WireError` or `KeyFormatError` when there is no certificate to be read.
 */
export const plainClaim = (claim: SignatureClaim, keyTypes?: readonly KeyType[]): SignatureClaim =>
  isCertificateType(claim.algorithm)
    ? { ...claim, algorithm: plainTypeOf(claim.algorithm), publicKey: parseCertificate(claim.publicKey, keyTypes).key.blob }
    : claim

/** `SHA256:…` of a key blob; of a certificate's, that of the key in it. Bytes that are no key have one too. */
export const fingerprintOfKey = (blob: Uint8Array): string => {
  try {
    return parsePublicKey(blob).fingerprint()
  } catch (error) {
    if (error instanceof SshError) return fingerprint(blob)
    throw error
  }
}

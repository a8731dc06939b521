// Owns the public map of `nacre/keys`. Knows nothing else.
export { minimumRsaBits } from '../algorithms/signature/strength.ts'
export { type AuthorizedKey, type AuthorizedKeysFile, findAuthorizedKey, parseAuthorizedKeys } from './authorized-keys.ts'
export { type CertificateOptions, issueCertificate, type IssueOptions } from './authority.ts'
export { type Certificate, type CertificateKind, type CertificateOption, forever, parseCertificate } from './certificate.ts'
export {
  authorityAlgorithms,
  type AuthorityDemands,
  type CertificateDemands,
  type CertificateRefusal,
  type CertificateRefusalReason,
  type CertificateVerdict,
  checkAuthority,
  checkCertificate,
  namedCertificate,
  usualAuthorityAlgorithms,
} from './certificate-check.ts'
export { describeCertificate, describeValidity } from './certificate-describe.ts'
export { certificateTypeOf, isCertificateType, plainTypeOf } from './certificate-names.ts'
export { bothOptions, type CertificateLimits, certificateLimits, usualExtensions } from './certificate-options.ts'
export { certifiedSigner } from './certified-signer.ts'
export type { KeyFormat, LockedKey, Passphrase, ReadKeyOptions, WriteKeyOptions } from './formats/format.ts'
export { writeOpensshPrivateKey } from './formats/openssh.ts'
export { type KeyFileFormat, keyFormats, type PublicKeyFileFormat } from './formats/table.ts'
export { type KeyOptions, parseKeyOptions, type PermittedPlace } from './key-options.ts'
export { type HostAuthorityLookup, lookUpHostAuthority, wantedHostKeyAlgorithms } from './host-authorities.ts'
export {
  formatKnownHostsLine,
  type HostKeyLookup,
  type HostNames,
  type HostPlace,
  knownHostKeyAlgorithms,
  type KnownHostsEntry,
  type KnownHostsFile,
  type KnownKeyPlace,
  knownKeyTypes,
  lookUpHostKey,
  parseKnownHosts,
} from './known-hosts.ts'
export { matchesPatternList, matchesWildcard } from '../patterns.ts'
export { PrivateKey } from './private.ts'
export {
  type LoadKeyOptions,
  loadPrivateKey,
  type PassphraseQuestion,
  type PassphraseSource,
  readPrivateKey,
  readPublicPart,
  writePrivateKey,
} from './private-file.ts'
export { readPublicKeys, writePublicKey } from './public-file.ts'
export { fingerprint, type FingerprintHash, formatPublicKeyLine, parsePublicKey, parsePublicKeyLine, PublicKey } from './public.ts'
export { createSigner, type Signer, type SignerOptions } from './signer.ts'
export { proveSignature, type SignatureClaim, verifySignature } from './verify.ts'

// Owns the public map of `nacre/keys`. Knows nothing else.
export { minimumRsaBits } from '../algorithms/signature/strength.ts'
export {
  type AllowedSigner,
  type AllowedSignersFile,
  type AllowedSignersProblem,
  checkSigner,
  findPrincipals,
  matchPrincipals,
  parseAllowedSigners,
  type SignerDemands,
  type SignerVerdict,
} from './allowed-signers.ts'
export { formatAbsoluteTime, parseAbsoluteTime } from './absolute-time.ts'
export {
  addAuthorizedKey,
  type AuthorizedKey,
  type AuthorizedKeysFile,
  findAuthorizedKey,
  formatAuthorizedKey,
  parseAuthorizedKeys,
  removeAuthorizedKey,
} from './authorized-keys.ts'
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
export { certificateTypeOf, isCertificateType, plainTypeOf, withCertificates } from './certificate-names.ts'
export { bothOptions, type CertificateLimits, certificateLimits, usualExtensions } from './certificate-options.ts'
export { certifiedSigner } from './certified-signer.ts'
export type { KeyFormat, LockedKey, Passphrase, ReadKeyOptions, WriteKeyOptions } from './formats/format.ts'
export { writeOpensshPrivateKey } from './formats/openssh.ts'
export { type KeyFileFormat, keyFormats, type PublicKeyFileFormat } from './formats/table.ts'
export { isPermittedPlace } from './permitted-place.ts'
export { formatKeyOptions, type KeyOptions, noOptions, parseKeyOptions, type PermittedPlace } from './key-options.ts'
export { checkHostKeyProof, type HostKeyProofClaim, hostKeyProofData, type HostKeyProofVerdict } from './host-key-proof.ts'
export {
  type HostKeyNames,
  type HostKeyUpdatePlan,
  planHostKeyUpdate,
  replaceHostKeys,
  type ReplaceHostKeysOptions,
} from './host-key-update.ts'
export { type HostAuthorityLookup, lookUpHostAuthority, wantedHostKeyAlgorithms } from './host-authorities.ts'
export {
  formatKnownHostsLine,
  type HostKeyLookup,
  type HostNames,
  type HostPlace,
  knownHostKeyAlgorithms,
  knownHostName,
  type KnownHostsEntry,
  type KnownHostsFile,
  type KnownKeyPlace,
  knownKeyTypes,
  linesFor,
  lookUpHostKey,
  parseKnownHosts,
} from './known-hosts.ts'
export {
  addKnownHost,
  findKnownHost,
  hashKnownHosts,
  type KnownHostsFound,
  type KnownHostsHashing,
  type KnownHostsProblem,
  type KnownHostsRemoval,
  removeKnownHost,
} from './known-hosts-edit.ts'
export {
  emptyKrl,
  formatKrl,
  isKrl,
  isRevoked,
  type KeyRevocationList,
  type KrlChange,
  parseKrl,
  parseRevocations,
  parseRevokedKeys,
  type ReadKrlOptions,
  type Revocation,
  revocationByHash,
  revocationOf,
  type RevocationTextOptions,
  type Revoked,
  type RevokedCertificates,
  type RevokedKeyList,
  reviseKrl,
  type SerialRange,
  SerialSet,
  writeKrl,
} from './krl/index.ts'
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
export { bubbleBabble, fingerprint, type FingerprintHash, fingerprintHashNamed, shortTypeName } from './fingerprint.ts'
export { generateKey, type GenerateKeyOptions } from './generate.ts'
export { randomArt } from './random-art.ts'
export { matchSshfp, type SshfpHash, type SshfpOptions, type SshfpRecord, sshfpRecords } from './sshfp.ts'
export { formatPublicKeyLine, parsePublicKey, parsePublicKeyLine, PublicKey } from './public.ts'
export {
  type FileHash,
  formatSignatureFile,
  parseSignatureFile,
  type RightSignature,
  type SignatureFile,
  type SignatureRefusal,
  type SignedData,
  signFile,
  type SignFileOptions,
  verifyFile,
  type VerifyFileOptions,
} from './signature-file.ts'
export { type SignedFileVerdict, verifySignedFile, type VerifySignedOptions } from './signed-file.ts'
export { lazySigner } from './lazy-signer.ts'
export { createSigner, type Signer, type SignerOptions } from './signer.ts'
export { proveSignature, type SignatureClaim, verifySignature } from './verify.ts'

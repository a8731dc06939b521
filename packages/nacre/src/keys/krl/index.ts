// Owns the face of key revocation lists. Knows nothing else.
export { parseRevocations, type RevocationTextOptions } from './input.ts'
export { emptyKrl, type KeyRevocationList, type RevokedCertificates } from './krl.ts'
export { isRevoked, parseRevokedKeys, type Revoked, type RevokedKeyList } from './query.ts'
export { isKrl, parseKrl, type ReadKrlOptions } from './read.ts'
export { type KrlChange, type Revocation, revocationByHash, revocationOf, reviseKrl } from './revise.ts'
export { type SerialRange, SerialSet } from './serials.ts'
export { formatKrl } from './text.ts'
export { writeKrl } from './write.ts'

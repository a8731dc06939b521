// Owns which operations `ssh-keygen` has, and which of several letters counts: the first row that is wanted. Knows nothing of
// what they do.
import { showCertificates, signCertificates } from './certificates.ts'
import { changeComment, changePassphrase } from './change.ts'
import { exportKey, importKey, printPublic } from './convert.ts'
import { fingerprints } from './fingerprint.ts'
import { makeHostKeys } from './host-keys.ts'
import { knownHosts } from './known-hosts.ts'
import { make } from './make.ts'
import { generateModuli, screenModuli } from './moduli.ts'
import type { Operation } from './operation.ts'
import { printRecords } from './records.ts'
import { askRevocationList, makeRevocationList } from './revocations.ts'
import { fileSignatures } from './signatures.ts'
import { libraryKeys, residentKeys } from './tokens.ts'

export const operations: readonly Operation[] = [
  fileSignatures,
  makeRevocationList,
  askRevocationList,
  signCertificates,
  showCertificates,
  knownHosts,
  libraryKeys,
  residentKeys,
  fingerprints,
  changePassphrase,
  changeComment,
  exportKey,
  importKey,
  printPublic,
  printRecords,
  generateModuli,
  screenModuli,
  makeHostKeys,
  make,
]

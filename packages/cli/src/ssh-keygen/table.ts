// Owns which operations `ssh-keygen` has, and which of several letters counts: the first row that is wanted. Knows nothing of
// what they do.
import { changeComment, changePassphrase } from './change.ts'
import { exportKey, importKey, printPublic } from './convert.ts'
import { fingerprints } from './fingerprint.ts'
import { makeHostKeys } from './host-keys.ts'
import { knownHosts } from './known-hosts.ts'
import { make } from './make.ts'
import { generateModuli, screenModuli } from './moduli.ts'
import type { Operation } from './operation.ts'
import { printRecords } from './records.ts'

export const operations: readonly Operation[] = [
  knownHosts,
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

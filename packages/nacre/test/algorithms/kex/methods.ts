// Owns the list of all methods, for tests that hold for each of them.
import type { KexMethod } from '../../../src/algorithms/rows.ts'
import { curve25519Sha256, curve25519Sha256Libssh } from '../../../src/algorithms/kex/curve25519.ts'
import { diffieHellmanGroupExchangeSha256, insecureDiffieHellmanGroupExchangeSha1 } from '../../../src/algorithms/kex/dh-group-exchange.ts'
import {
  diffieHellmanGroup14Sha256,
  diffieHellmanGroup16Sha512,
  diffieHellmanGroup18Sha512,
  insecureDiffieHellmanGroup14Sha1,
  insecureDiffieHellmanGroup1Sha1,
} from '../../../src/algorithms/kex/dh-group.ts'
import { ecdhSha2Nistp256, ecdhSha2Nistp384, ecdhSha2Nistp521 } from '../../../src/algorithms/kex/ecdh-nist.ts'
import { mlkem768Nistp256Sha256, mlkem768X25519Sha256 } from '../../../src/algorithms/kex/mlkem768.ts'
import { sntrup761X25519Sha512, sntrup761X25519Sha512Openssh } from '../../../src/algorithms/kex/sntrup761.ts'

export const curveMethods: readonly KexMethod[] = [
  curve25519Sha256,
  curve25519Sha256Libssh,
  ecdhSha2Nistp256,
  ecdhSha2Nistp384,
  ecdhSha2Nistp521,
]
export const hybridMethods: readonly KexMethod[] = [
  mlkem768X25519Sha256,
  mlkem768Nistp256Sha256,
  sntrup761X25519Sha512,
  sntrup761X25519Sha512Openssh,
]
export const fixedGroupMethods: readonly KexMethod[] = [
  diffieHellmanGroup14Sha256,
  diffieHellmanGroup16Sha512,
  diffieHellmanGroup18Sha512,
  insecureDiffieHellmanGroup14Sha1,
  insecureDiffieHellmanGroup1Sha1,
]
export const groupExchangeMethods: readonly KexMethod[] = [diffieHellmanGroupExchangeSha256, insecureDiffieHellmanGroupExchangeSha1]
export const allMethods = [...curveMethods, ...hybridMethods, ...fixedGroupMethods, ...groupExchangeMethods]

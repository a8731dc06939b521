// Owns the order of the key exchange methods we know: those safe from quantum computers first, insecure last. Knows nothing of
// negotiation.
import { curve25519Sha256, curve25519Sha256Libssh } from './curve25519.ts'
import { diffieHellmanGroupExchangeSha256, insecureDiffieHellmanGroupExchangeSha1 } from './dh-group-exchange.ts'
import {
  diffieHellmanGroup14Sha256,
  diffieHellmanGroup16Sha512,
  diffieHellmanGroup18Sha512,
  insecureDiffieHellmanGroup1Sha1,
  insecureDiffieHellmanGroup14Sha1,
} from './dh-group.ts'
import { ecdhSha2Nistp256, ecdhSha2Nistp384, ecdhSha2Nistp521 } from './ecdh-nist.ts'
import { mlkem768Nistp256Sha256, mlkem768X25519Sha256 } from './mlkem768.ts'
import { sntrup761X25519Sha512, sntrup761X25519Sha512Openssh } from './sntrup761.ts'

export const keyExchanges = [
  mlkem768X25519Sha256,
  sntrup761X25519Sha512,
  sntrup761X25519Sha512Openssh,
  mlkem768Nistp256Sha256,
  curve25519Sha256,
  curve25519Sha256Libssh,
  ecdhSha2Nistp256,
  ecdhSha2Nistp384,
  ecdhSha2Nistp521,
  diffieHellmanGroupExchangeSha256,
  diffieHellmanGroup16Sha512,
  diffieHellmanGroup18Sha512,
  diffieHellmanGroup14Sha256,
  insecureDiffieHellmanGroup14Sha1,
  insecureDiffieHellmanGroupExchangeSha1,
  insecureDiffieHellmanGroup1Sha1,
] as const

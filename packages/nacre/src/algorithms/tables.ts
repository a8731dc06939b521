// Owns the tables of algorithms: one row each, in order of preference. Adding an algorithm is its file and one line here.
// Knows nothing of negotiation. AES-GCM comes first because Node's OpenSSL has it in hardware; a provider without that
// wants ChaCha20 first.
import { insecureAes128Cbc, insecureAes192Cbc, insecureAes256Cbc } from './cipher/aes-cbc.ts'
import { aes128Ctr, aes192Ctr, aes256Ctr } from './cipher/aes-ctr.ts'
import { aes128Gcm, aes256Gcm } from './cipher/aes-gcm.ts'
import { chacha20Poly1305 } from './cipher/chacha20-poly1305.ts'
import { insecureTripleDesCbc } from './cipher/triple-des-cbc.ts'
import { none } from './compression/none.ts'
import { zlib, zlibOpenssh } from './compression/zlib.ts'
import { curve25519Sha256, curve25519Sha256Libssh } from './kex/curve25519.ts'
import { diffieHellmanGroupExchangeSha256, insecureDiffieHellmanGroupExchangeSha1 } from './kex/dh-group-exchange.ts'
import {
  diffieHellmanGroup14Sha256,
  diffieHellmanGroup16Sha512,
  diffieHellmanGroup18Sha512,
  insecureDiffieHellmanGroup1Sha1,
  insecureDiffieHellmanGroup14Sha1,
} from './kex/dh-group.ts'
import { ecdhSha2Nistp256, ecdhSha2Nistp384, ecdhSha2Nistp521 } from './kex/ecdh-nist.ts'
import { mlkem768Nistp256Sha256, mlkem768X25519Sha256 } from './kex/mlkem768.ts'
import { sntrup761X25519Sha512, sntrup761X25519Sha512Openssh } from './kex/sntrup761.ts'
import {
  hmacSha1,
  hmacSha1Etm,
  hmacSha2256,
  hmacSha2256Etm,
  hmacSha2512,
  hmacSha2512Etm,
  insecureHmacMd5,
  insecureHmacMd596,
  insecureHmacMd596Etm,
  insecureHmacMd5Etm,
  insecureHmacSha196,
  insecureHmacSha196Etm,
} from './mac/hmac.ts'
import { umac128, umac128Etm, umac64, umac64Etm } from './mac/umac.ts'
import type { Cipher, Compression, KexMethod, KeyType, Mac, SignatureAlgorithm } from './rows.ts'
import { keyTypes, signatureAlgorithms } from './signature/table.ts'

/** Everything one connection may use. Pass your own to extend it: `{ ...defaultTables, ciphers: [mine, ...defaultTables.ciphers] }`. */
export interface AlgorithmTables {
  readonly kexMethods: readonly KexMethod[]
  readonly signatures: readonly SignatureAlgorithm[]
  readonly keyTypes: readonly KeyType[]
  readonly ciphers: readonly Cipher[]
  readonly macs: readonly Mac[]
  readonly compressions: readonly Compression[]
}

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

export const ciphers = [
  aes128Gcm,
  aes256Gcm,
  chacha20Poly1305,
  aes128Ctr,
  aes192Ctr,
  aes256Ctr,
  insecureAes128Cbc,
  insecureAes192Cbc,
  insecureAes256Cbc,
  insecureTripleDesCbc,
] as const

export const macs = [
  hmacSha2256Etm,
  hmacSha2512Etm,
  umac128Etm,
  umac64Etm,
  hmacSha2256,
  hmacSha2512,
  umac128,
  umac64,
  hmacSha1Etm,
  hmacSha1,
  insecureHmacSha196Etm,
  insecureHmacSha196,
  insecureHmacMd5Etm,
  insecureHmacMd5,
  insecureHmacMd596Etm,
  insecureHmacMd596,
] as const

export const compressions = [none, zlibOpenssh, zlib] as const

export { keyTypes, signatureAlgorithms }

/** All of nacre's own. */
export const defaultTables: AlgorithmTables = {
  kexMethods: keyExchanges,
  signatures: signatureAlgorithms,
  keyTypes,
  ciphers,
  macs,
  compressions,
}

/** The same for a runtime without AES in hardware: ChaCha20 first. */
export const softwareTables: AlgorithmTables = {
  ...defaultTables,
  ciphers: [chacha20Poly1305, ...ciphers.filter(each => each !== chacha20Poly1305)],
}

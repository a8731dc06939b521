// Owns the tables of algorithms: one row each, in order of preference. Adding an algorithm is its file and one line here.
// Knows nothing of negotiation. The order of ciphers suits a runtime with AES in hardware; see `preference.ts`.
import { insecureAes128Cbc, insecureAes192Cbc, insecureAes256Cbc } from './cipher/aes-cbc.ts'
import { aes128Ctr, aes192Ctr, aes256Ctr } from './cipher/aes-ctr.ts'
import { aes128Gcm, aes256Gcm } from './cipher/aes-gcm.ts'
import { chacha20Poly1305 } from './cipher/chacha20-poly1305.ts'
import { insecureTripleDesCbc } from './cipher/triple-des-cbc.ts'
import { none } from './compression/none.ts'
import { zlib, zlibOpenssh } from './compression/zlib.ts'
import type { Cipher, Compression, KexMethod, KeyType, Mac, SignatureAlgorithm } from './rows.ts'

/** Everything one connection may use. Pass your own to extend it: `{ ...algorithms, ciphers: [mine, ...algorithms.ciphers] }`. */
export interface AlgorithmTables {
  readonly kexMethods: readonly KexMethod[]
  readonly signatures: readonly SignatureAlgorithm[]
  readonly keyTypes: readonly KeyType[]
  readonly ciphers: readonly Cipher[]
  readonly macs: readonly Mac[]
  readonly compressions: readonly Compression[]
}

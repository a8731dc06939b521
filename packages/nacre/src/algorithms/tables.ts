// Owns the tables of algorithms together: what one connection may use. Adding an algorithm is its file and one line in the table
// beside it. Knows nothing of negotiation.
import { chacha20Poly1305 } from './cipher/chacha20-poly1305.ts'
import { ciphers } from './cipher/table.ts'
import { compressions } from './compression/table.ts'
import { keyExchanges } from './kex/table.ts'
import { macs } from './mac/table.ts'
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

export { ciphers, compressions, keyExchanges, keyTypes, macs, signatureAlgorithms }

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

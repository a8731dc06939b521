// The public face of the algorithm tables: to choose from, or to extend.
export { choose, defaultNames } from './preference.ts'
export { negotiate } from './negotiate.ts'
export type { Agreed, AgreedDirection, Known, Offer } from './negotiate.ts'
export type {
  AeadCipher,
  Cipher,
  Compression,
  Compressor,
  Decompressor,
  KexMethod,
  KexProof,
  KexResult,
  KexRun,
  KexServerRun,
  KeyType,
  Mac,
  OpenedKey,
  Opener,
  PacketMac,
  PlainCipher,
  Sealer,
  SecurityKeyProof,
  SignatureAlgorithm,
  SignatureProof,
  Standing,
} from './rows.ts'
export { ciphers, compressions, defaultTables, keyExchanges, keyTypes, macs, signatureAlgorithms } from './tables.ts'
export type { AlgorithmTables } from './tables.ts'

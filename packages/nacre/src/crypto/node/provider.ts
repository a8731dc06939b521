// Owns the provider over node:crypto: it gathers the primitives of this folder. Knows nothing of algorithm names of the
// protocol. Runs on Node 24.7 and later; features newer than that are used where they are found.
import { randomFillSync } from 'node:crypto'
import type { CryptoProvider, Random } from '../provider.ts'
import { ecdh, mlkem768, mlkem768Encapsulate, x25519 } from './agreement.ts'
import { nodeChaChaPoly } from './chacha.ts'
import { aesBlocks, aesGcm, streamCipher } from './ciphers.ts'
import { dh } from './dh.ts'
import { hash, hasher, hmac } from './hashing.ts'
import { signingKey, verifyKey } from './signing.ts'

const random: Random = bytes => void randomFillSync(bytes)

const provider: CryptoProvider = {
  name: 'node',
  random,
  hash,
  hasher,
  hmac,
  aesGcm,
  streamCipher,
  aesBlocks,
  chachaPoly: nodeChaChaPoly,
  x25519,
  ecdh,
  mlkem768,
  mlkem768Encapsulate,
  dh: (group, exponentBits, from) => dh(group, exponentBits, from, random),
  verifyKey,
  signingKey,
}

/** The primitives of Node. It holds no state: every call gives the same provider. */
export const nodeCrypto = (): CryptoProvider => provider

// Owns the provider that runs anywhere: noble's libraries, our own WebAssembly, BigInt, and the runtime's WebCrypto for
// randomness and RSA. Imports nothing of any runtime; knows nothing of algorithm names of the protocol.
import { chaChaPoly } from '../chacha-poly.ts'
import type { CryptoProvider } from '../provider.ts'
import { ecdh, mlkem768, mlkem768Encapsulate, x25519 } from './agreement.ts'
import { aesBlocks, aesGcm, streamCipher } from './ciphers.ts'
import { dh } from './dh.ts'
import { generateKeyNumbers } from './generate.ts'
import { hash, hasher, hmac } from './hashing.ts'
import { publicHalf } from './public-half.ts'
import { random } from './random.ts'
import { generateMldsa44, signingKey, verifyKey } from './signing.ts'

const provider: CryptoProvider = {
  name: 'web',
  random,
  hash,
  hasher,
  hmac,
  aesGcm,
  streamCipher,
  aesBlocks,
  chachaPoly: chaChaPoly,
  x25519,
  ecdh,
  mlkem768,
  mlkem768Encapsulate,
  dh,
  publicHalf,
  // Fifty kilobytes that most programs never need: bundlers that can make pieces keep them apart.
  derive: async (by, passphrase, salt, size) => (await import('./derive.ts')).derive(by, passphrase, salt, size),
  generateKey: generateKeyNumbers,
  generateMldsa44,
  verifyKey,
  signingKey,
}

/** The primitives for browsers and other runtimes without node:crypto. It holds no state: every call gives the same provider. */
export const webCrypto = (): CryptoProvider => provider

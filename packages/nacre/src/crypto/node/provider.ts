// Owns the provider over node:crypto: it gathers the primitives of this folder. Knows nothing of algorithm names of the
// protocol. Runs on Node 24.7 and later; features newer than that are used where they are found.
import { randomFillSync } from 'node:crypto'
import { spareCrypto } from '#spare-crypto'
import type { CryptoProvider, Random } from '../provider.ts'
import { ecdh, mlkem768, mlkem768Encapsulate, x25519 } from './agreement.ts'
import { nodeChaChaPoly } from './chacha.ts'
import { aesBlocks, aesGcm, ctrKeyBytes, streamCipher } from './ciphers.ts'
import { derive } from './derive.ts'
import { dh } from './dh.ts'
import { generateKeyNumbers } from './generate.ts'
import { hash, hasher, hmac } from './hashing.ts'
import { mldsa44 } from './mldsa.ts'
import { nativeChaChaPoly, nativeCryptoFault, nativeCtr, nativeGcm, nativeHmac } from './native.ts'
import { publicHalf } from './public-half.ts'
import { signingKey, verifyKey } from './signing.ts'
import { withSpare } from './spare.ts'

const random: Random = bytes => void randomFillSync(bytes)

const own: CryptoProvider = {
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
  publicHalf,
  derive,
  generateKey: generateKeyNumbers,
  generateMldsa44: mldsa44.generate,
  verifyKey,
  signingKey,
}

const pure = spareCrypto === undefined ? own : withSpare(own, spareCrypto)

// What the accelerator has, where it is found; all else is Node's.
const accelerated: CryptoProvider = {
  ...pure,
  get name() {
    return nativeCryptoFault() === undefined ? 'node+native' : 'node'
  },
  hmac: (name, key) => nativeHmac(name, key) ?? pure.hmac(name, key),
  aesGcm: (key, direction) => nativeGcm(key, direction) ?? pure.aesGcm(key, direction),
  chachaPoly: (key, direction) => nativeChaChaPoly(key) ?? pure.chachaPoly(key, direction),
  streamCipher: (name, key, iv, direction) =>
    (name in ctrKeyBytes ? nativeCtr(ctrKeyBytes[name as keyof typeof ctrKeyBytes], key, iv) : undefined) ??
    pure.streamCipher(name, key, iv, direction),
}

export interface NodeCryptoOptions {
  /**
   * Whether the accelerator `@nacre/native` is used where it is installed, built and works. It changes what packets cost, not
   * what they are. Default true; the environment variable `NACRE_NATIVE=0` says no for the whole process.
   */
  readonly native?: boolean
}

/** The primitives of Node. It holds no state: every call with the same options gives the same provider. */
export const nodeCrypto = ({ native = true }: NodeCryptoOptions = {}): CryptoProvider => (native ? accelerated : pure)

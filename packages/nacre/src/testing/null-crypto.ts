// Owns a provider that protects nothing: what is sealed is sent in clear with tags of zeros, every agreement gives the same
// secret, every hash is zero, every signature is right. For fuzzing, replay and models of the protocol, never for a network.
import type { Aead, Agreement, ChaChaPoly, CryptoProvider, CurveName, DhAgreement, HashName, SigningNumbers } from '../crypto/provider.ts'

const digestBytes: Record<HashName, number> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }
const fieldBytes: Record<CurveName, number> = { nistp256: 32, nistp384: 48, nistp521: 66 }
const tagBytes = 16

/** Not zero: that would be a value nobody may agree on. */
const constant = (length: number): Uint8Array => new Uint8Array(length).fill(7)

const isZero = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}

const aead: Aead = {
  seal: (_nonce, bytes, _aadStart, _start, end) => void bytes.fill(0, end, end + tagBytes),
  open: (_nonce, bytes, _aadStart, start, end) => (isZero(bytes, end, end + tagBytes) ? bytes.subarray(start, end) : undefined),
  detached: false,
}

const chachaPoly: ChaChaPoly = {
  chacha: () => {},
  seal: (_sequence, bytes, _start, end) => void bytes.fill(0, end, end + tagBytes),
  open: (_sequence, bytes, start, end) => (isZero(bytes, end, end + tagBytes) ? bytes.subarray(start + 4, end) : undefined),
  detached: false,
}

const agreement = (publicKey: Uint8Array, secretBytes: number): Agreement => ({ publicKey, agree: () => constant(secretBytes) })

const point = (curve: CurveName): Uint8Array => {
  const bytes = constant(1 + 2 * fieldBytes[curve])
  bytes[0] = 4
  return bytes
}

const dhAgreement: DhAgreement = { publicKey: Uint8Array.of(2), agree: () => constant(32) }

const signatureBytes = (numbers: SigningNumbers): number => {
  switch (numbers.kind) {
    case 'ed25519':
      return 64
    case 'ecdsa':
      return 2 * fieldBytes[numbers.curve]
    case 'rsa':
      return numbers.n.length
    case 'dsa':
      return 40
    case 'ml-dsa-44':
      return 2420
  }
}

/** No cryptography at all. A tag that is not zero is still refused, so that a broken one can be sent. */
export const nullCrypto: CryptoProvider = {
  name: 'null: protects nothing',
  random: bytes => void bytes.fill(7),
  hash: name => new Uint8Array(digestBytes[name]),
  hasher: name => ({ update: () => {}, digest: () => new Uint8Array(digestBytes[name]) }),
  hmac: name => ({ digest: () => new Uint8Array(digestBytes[name]) }),
  aesGcm: () => aead,
  streamCipher: () => ({ process: () => {} }),
  aesBlocks: () => blocks => new Uint8Array(blocks.length),
  chachaPoly: () => chachaPoly,
  x25519: () => agreement(constant(32), 32),
  ecdh: curve => agreement(point(curve), fieldBytes[curve]),
  mlkem768: () => ({ publicKey: constant(1184), decapsulate: () => constant(32) }),
  mlkem768Encapsulate: () => ({ ciphertext: constant(1088), secret: constant(32) }),
  dh: () => dhAgreement,
  publicHalf: key => (key.kind === 'ed25519' ? constant(32) : point(key.curve)),
  derive: (_by, _passphrase, _salt, size) => Promise.resolve(constant(size)),
  generateKey: () => Promise.reject(new TypeError('without cryptography there are no new keys')),
  generateMldsa44: () => ({ publicKey: constant(1312), seed: constant(32) }),
  verifyKey: () => ({ verify: () => true }),
  signingKey: numbers => ({ sign: () => constant(signatureBytes(numbers)) }),
}

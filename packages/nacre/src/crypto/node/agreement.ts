// Owns X25519, ECDH over the NIST curves and ML-KEM-768 over node:crypto. Knows nothing of the methods that combine them.
// Private parts come from the `random` it is given, so that a recorded run can be replayed; one exception is noted.
import * as nodeCrypto from 'node:crypto'
import type { Agreement, CurveName, Encapsulation, Random } from '../provider.ts'
import { plain, prefixed, privateKeyFromDer, privateKeyFromRaw, publicKeyFromRaw, rawPublicKey } from './plain.ts'

const hex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits, 'hex'))

// The DER around raw keys of fixed size (RFC 8410 §4 and §7, RFC 9935 §4 and §6).
const x25519PublicPrefix = hex('302a300506032b656e032100')
const x25519PrivatePrefix = hex('302e020100300506032b656e04220420')
const mlkemPublicPrefix = hex('308204b2300b0609608648016503040402038204a100')
const mlkemSeedPrefix = hex('3054020100300b060960864801650304040204428040')

const drawn = (random: Random, count: number): Uint8Array => {
  const bytes = new Uint8Array(count)
  random(bytes)
  return bytes
}

const isZero = (bytes: Uint8Array): boolean => {
  let seen = 0
  for (let i = 0; i < bytes.length; i++) seen |= bytes[i]
  return seen === 0
}

export const x25519 = (random: Random): Agreement => {
  const privateKey = privateKeyFromRaw(drawn(random, 32), 'x25519', x25519PrivatePrefix)
  return {
    publicKey: rawPublicKey(nodeCrypto.createPublicKey(privateKey), 32),
    agree(theirs) {
      if (theirs.length !== 32) throw new RangeError(`an X25519 public key has 32 bytes, not ${theirs.length}`)
      const publicKey = publicKeyFromRaw(theirs, 'x25519', x25519PublicPrefix)
      let secret: Uint8Array
      try {
        secret = nodeCrypto.diffieHellman({ privateKey, publicKey })
      } catch (cause) {
        throw new RangeError('it is a point of small order', { cause })
      }
      // RFC 8731 §3: abort on the all-zero secret. OpenSSL does so itself; this does not rest on it.
      if (isZero(secret)) throw new RangeError('it is a point of small order')
      return plain(secret)
    },
  }
}

const curves: Record<CurveName, { name: string; fieldBytes: number; topMask: number }> = {
  nistp256: { name: 'prime256v1', fieldBytes: 32, topMask: 0xff },
  nistp384: { name: 'secp384r1', fieldBytes: 48, topMask: 0xff },
  nistp521: { name: 'secp521r1', fieldBytes: 66, topMask: 0x01 },
}

export const ecdh = (curve: CurveName, random: Random): Agreement => {
  const { name, fieldBytes, topMask } = curves[curve]
  const side = nodeCrypto.createECDH(name)
  // A scalar of 0, or of the group order and above, is drawn again: one in 2^32 at most, for P-256.
  for (let attempt = 0; ; attempt++) {
    const scalar = drawn(random, fieldBytes)
    scalar[0] &= topMask
    try {
      side.setPrivateKey(scalar)
      break
    } catch (cause) {
      if (attempt === 8) throw new Error('the source of randomness gives no usable scalar', { cause })
    } finally {
      scalar.fill(0)
    }
  }
  return {
    publicKey: plain(side.getPublicKey()),
    agree(theirs) {
      // RFC 5656 §4 allows compressed points only where both sides want them; nobody does. OpenSSL checks the curve.
      if (theirs.length !== 1 + 2 * fieldBytes || theirs[0] !== 4)
        throw new RangeError(`it is not an uncompressed point of ${1 + 2 * fieldBytes} bytes`)
      return plain(side.computeSecret(theirs))
    },
  }
}

const publicKeyBytes = 1184
const ciphertextBytes = 1088

// Node 24.7 brought ML-KEM.
interface MlKem {
  encapsulate(key: nodeCrypto.KeyObject): { sharedKey: Uint8Array; ciphertext: Uint8Array }
  decapsulate(key: nodeCrypto.KeyObject, ciphertext: Uint8Array): Uint8Array
}
const mlkem = nodeCrypto as unknown as Partial<MlKem>

/** Whether this runtime's node:crypto has ML-KEM: Node 24.7, over OpenSSL 3.5. */
export const hasMlKem = (): boolean => {
  const [major, minor] = process.versions.openssl.split('.').map(Number)
  return mlkem.encapsulate !== undefined && (major > 3 || (major === 3 && minor >= 5))
}

const missing = (): never => {
  throw new TypeError('this Node has no ML-KEM: 24.7 or later does')
}

export const mlkem768 = (random: Random): Encapsulation => {
  const decapsulate = mlkem.decapsulate ?? missing
  const seed = drawn(random, 64)
  const privateKey = privateKeyFromDer(prefixed(mlkemSeedPrefix, seed))
  seed.fill(0)
  return {
    publicKey: rawPublicKey(nodeCrypto.createPublicKey(privateKey), publicKeyBytes),
    decapsulate(ciphertext) {
      if (ciphertext.length !== ciphertextBytes)
        throw new RangeError(`an ML-KEM-768 ciphertext has ${ciphertextBytes} bytes, not ${ciphertext.length}`)
      return plain(decapsulate(privateKey, ciphertext))
    },
  }
}

/** The randomness of encapsulation is Node's own: no way to give it exists. A replayed server that encapsulates differs here. */
export const mlkem768Encapsulate = (theirs: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array } => {
  const encapsulate = mlkem.encapsulate ?? missing
  // DER with more bytes than the key would be taken; the length is for us to check (FIPS 203 §7.2).
  if (theirs.length !== publicKeyBytes) throw new RangeError(`an ML-KEM-768 key has ${publicKeyBytes} bytes, not ${theirs.length}`)
  const { ciphertext, sharedKey } = encapsulate(publicKeyFromRaw(theirs, 'ml-kem-768', mlkemPublicPrefix))
  return { ciphertext: plain(ciphertext), secret: plain(sharedKey) }
}

// Owns X25519, ECDH over the NIST curves and ML-KEM-768 over noble's libraries. Knows nothing of the methods that combine
// them. All randomness comes from the `random` it is given.
import { x25519 as montgomery } from '@noble/curves/ed25519.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import { sized } from '../magnitude.ts'
import type { Agreement, CurveName, Encapsulation, Random } from '../provider.ts'
import { checkedPoint, curves } from './curves.ts'
import { drawn } from './random.ts'

export const x25519 = (random: Random): Agreement => {
  const scalar = drawn(random, 32)
  return {
    publicKey: montgomery.getPublicKey(scalar),
    agree(theirs) {
      sized(theirs, 32, 'an X25519 public key')
      try {
        return montgomery.getSharedSecret(scalar, theirs)
      } catch (cause) {
        // RFC 8731 §3: the all-zero secret. The library refuses nothing else of the right size.
        throw new RangeError('it is a point of small order', { cause })
      }
    },
  }
}

/** A scalar of 0, or of the group order and above, is drawn again: one in 2^32 at most, for P-256. */
const scalarOf = (name: CurveName, random: Random): Uint8Array => {
  const { curve, fieldBytes, topMask } = curves[name]
  for (let attempt = 0; attempt <= 8; attempt++) {
    const scalar = drawn(random, fieldBytes)
    scalar[0] &= topMask
    if (curve.utils.isValidSecretKey(scalar)) return scalar
  }
  throw new Error('the source of randomness gives no usable scalar')
}

export const ecdh = (name: CurveName, random: Random): Agreement => {
  const { curve, fieldBytes } = curves[name]
  const scalar = scalarOf(name, random)
  return {
    publicKey: curve.getPublicKey(scalar, false),
    agree: theirs => curve.getSharedSecret(scalar, checkedPoint(name, theirs), false).slice(1, 1 + fieldBytes),
  }
}

const publicKeyBytes = 1184
const ciphertextBytes = 1088

export const mlkem768 = (random: Random): Encapsulation => {
  const { publicKey, secretKey } = ml_kem768.keygen(drawn(random, 64))
  return {
    publicKey,
    decapsulate: ciphertext => ml_kem768.decapsulate(sized(ciphertext, ciphertextBytes, 'an ML-KEM-768 ciphertext'), secretKey),
  }
}

export const mlkem768Encapsulate = (theirs: Uint8Array, random: Random): { ciphertext: Uint8Array; secret: Uint8Array } => {
  const { cipherText, sharedSecret } = ml_kem768.encapsulate(sized(theirs, publicKeyBytes, 'an ML-KEM-768 key'), drawn(random, 32))
  return { ciphertext: cipherText, secret: sharedSecret }
}

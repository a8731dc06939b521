// Owns verifying and signing on the web: Ed25519, ECDSA and ML-DSA-44 over noble's libraries, RSA beside it, and verifying DSA. Knows
// nothing of key blobs or of which hash belongs to a key. Signatures are raw, r || s in full width.
import { ed25519 } from '@noble/curves/ed25519.js'
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js'
import { KeyFormatError } from '../../errors.ts'
import { sized, toBig, widened } from '../magnitude.ts'
import type { HashName, PlainPublicNumbers, SigningKey, SigningNumbers, VerifiableNumbers, VerifyKey } from '../provider.ts'
import { power } from './big.ts'
import { checkedPoint, curves } from './curves.ts'
import { hash as hashOf } from './hashing.ts'
import { random } from './random.ts'
import { rsaSigningKey, rsaVerifyKey } from './rsa.ts'

const hashed = (kind: string, hash: HashName | undefined, data: Uint8Array): Uint8Array => {
  if (hash === undefined) throw new TypeError(`${kind} signatures need a hash`)
  return hashOf(hash, data)
}

/** What the library throws about a signature that is none. */
const unlessThrown = (verify: () => boolean): boolean => {
  try {
    return verify()
  } catch {
    return false
  }
}

// RFC 8032 and SEC 1 as they stand: neither ZIP 215's laxer points nor the lower half of s that other protocols ask for.
const strictEd25519 = { zip215: false } as const
const plainEcdsa = { prehash: false, lowS: false, format: 'compact' } as const

const ed25519VerifyKey = (publicKey: Uint8Array): VerifyKey => {
  sized(publicKey, 32, 'an Ed25519 public key')
  return { verify: (_hash, data, signature) => unlessThrown(() => ed25519.verify(signature, data, publicKey, strictEd25519)) }
}

const ecdsaVerifyKey = (numbers: Extract<PlainPublicNumbers, { kind: 'ecdsa' }>): VerifyKey => {
  const point = checkedPoint(numbers.curve, numbers.point)
  const { curve } = curves[numbers.curve]
  return {
    verify(hash, data, signature) {
      const digest = hashed('ecdsa', hash, data)
      return unlessThrown(() => curve.verify(signature, digest, point, plainEcdsa))
    },
  }
}

const bitsOf = (value: bigint): number => value.toString(2).length
// FIPS 186-4 §4.2, and OpenSSL's bound on the modulus.
const dsaQBits: readonly number[] = [160, 224, 256]
const maximumDsaBits = 10_000

/** FIPS 186-4 §4.7. All of it is public. */
const dsaVerifyKey = (numbers: Extract<PlainPublicNumbers, { kind: 'dsa' }>): VerifyKey => {
  const [p, q, g, y] = [numbers.p, numbers.q, numbers.g, numbers.y].map(toBig)
  const qBits = q === 0n ? 0 : bitsOf(q)
  if (!dsaQBits.includes(qBits) || bitsOf(p) > maximumDsaBits || g < 2n || g >= p || y < 2n || y >= p || (p - 1n) % q !== 0n)
    throw new RangeError('numbers that make no DSA key')
  const half = qBits / 8
  return {
    verify(hash, data, signature) {
      const digest = hashed('dsa', hash, data)
      if (signature.length !== 2 * half) return false
      const [r, s] = [toBig(signature.subarray(0, half)), toBig(signature.subarray(half))]
      if (r === 0n || r >= q || s === 0n || s >= q) return false
      const z = toBig(digest.subarray(0, half))
      // q is prime, so 1/s is s^(q-2).
      const w = power(s, q - 2n, q)
      const v = (power(g, (z * w) % q, p) * power(y, (r * w) % q, p)) % p
      return v % q === r
    },
  }
}

const mldsaVerifyKey = ({ publicKey, context }: Extract<VerifiableNumbers, { kind: 'ml-dsa-44' }>): VerifyKey => {
  sized(publicKey, 1312, 'an ML-DSA-44 public key')
  return { verify: (_hash, data, signature) => unlessThrown(() => ml_dsa44.verify(signature, data, publicKey, { context })) }
}

/** Throws when the numbers are no key: a point off its curve, a field of the wrong size. */
export const verifyKey = (numbers: VerifiableNumbers): VerifyKey => {
  switch (numbers.kind) {
    case 'ed25519':
      return ed25519VerifyKey(numbers.publicKey)
    case 'ecdsa':
      return ecdsaVerifyKey(numbers)
    case 'rsa':
      return rsaVerifyKey(numbers)
    case 'dsa':
      return dsaVerifyKey(numbers)
    case 'ml-dsa-44':
      return mldsaVerifyKey(numbers)
  }
}

/** A new ML-DSA-44 key. */
export const generateMldsa44 = (): { publicKey: Uint8Array; seed: Uint8Array } => {
  const seed = new Uint8Array(32)
  random(seed)
  return { publicKey: ml_dsa44.keygen(seed).publicKey, seed }
}

/** RSA signs later, the others at once. Throws `KeyFormatError` KEY_UNSUPPORTED for DSA, whose nonce BigInt would give away. */
export const signingKey = (numbers: SigningNumbers): SigningKey => {
  switch (numbers.kind) {
    case 'ed25519': {
      const seed = sized(numbers.seed, 32, 'an Ed25519 seed')
      return { sign: (_hash, data) => ed25519.sign(data, seed) }
    }
    case 'ecdsa': {
      const { curve, fieldBytes } = curves[numbers.curve]
      checkedPoint(numbers.curve, numbers.point)
      const scalar = widened(numbers.scalar, fieldBytes)
      if (!curve.utils.isValidSecretKey(scalar)) throw new RangeError('a scalar of zero, or above the order of its curve')
      return { sign: (hash, data) => curve.sign(hashed('ecdsa', hash, data), scalar, plainEcdsa) }
    }
    case 'rsa':
      return rsaSigningKey(numbers)
    case 'ml-dsa-44': {
      const { secretKey } = ml_dsa44.keygen(sized(numbers.seed, 32, 'an ML-DSA-44 seed'))
      return { sign: (_hash, data) => ml_dsa44.sign(data, secretKey, { context: numbers.context }) }
    }
    case 'dsa':
      throw new KeyFormatError('KEY_UNSUPPORTED', 'DSA keys cannot sign in this runtime. Make a new key: ssh-keygen -t ed25519')
  }
}

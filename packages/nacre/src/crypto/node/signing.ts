// Owns verifying and signing over node:crypto: Ed25519, ECDSA, RSA (PKCS#1 v1.5) and DSA. Knows nothing of key blobs, of
// which keys are too weak, or of which hash belongs to a key. Signatures are raw, r || s in full width.
import { type KeyObject, sign, verify } from 'node:crypto'
import { fromBig, sized, toBig, widened, widthOf } from '../magnitude.ts'
import type {
  CurveName,
  HashName,
  PlainPrivateNumbers,
  PlainPublicNumbers,
  SigningKey,
  SigningNumbers,
  VerifiableNumbers,
  VerifyKey,
} from '../provider.ts'
import { bitString, identifier, integer, octetString, privateKeyInfo, publicKeyInfo, sequence, tagged } from '../der.ts'
import { mldsa44 } from './mldsa.ts'
import { plain, privateKeyFromDer, publicKeyFromDer, publicKeyFromRaw } from './plain.ts'

const ed25519Algorithm = [identifier('2b6570')]
const rsaAlgorithm = [identifier('2a864886f70d010101'), Uint8Array.of(0x05, 0x00)]
const dsaAlgorithm = (key: { p: Uint8Array; q: Uint8Array; g: Uint8Array }): readonly Uint8Array[] => [
  identifier('2a8648ce380401'),
  sequence(integer(key.p), integer(key.q), integer(key.g)),
]
const curves: Record<CurveName, { oid: string; fieldBytes: number }> = {
  nistp256: { oid: '2a8648ce3d030107', fieldBytes: 32 },
  nistp384: { oid: '2b81040022', fieldBytes: 48 },
  nistp521: { oid: '2b81040023', fieldBytes: 66 },
}
const ecAlgorithm = (curve: CurveName): readonly Uint8Array[] => [identifier('2a8648ce3d0201'), identifier(curves[curve].oid)]

const publicDer = (key: PlainPublicNumbers): Uint8Array => {
  switch (key.kind) {
    case 'ed25519':
      return publicKeyInfo(ed25519Algorithm, sized(key.publicKey, 32, 'an Ed25519 public key'))
    case 'ecdsa':
      return publicKeyInfo(ecAlgorithm(key.curve), sized(key.point, 1 + 2 * curves[key.curve].fieldBytes, `a point on ${key.curve}`))
    case 'rsa':
      return publicKeyInfo(rsaAlgorithm, sequence(integer(key.n), integer(key.e)))
    case 'dsa':
      return publicKeyInfo(dsaAlgorithm(key), integer(key.y))
  }
}

const one = Uint8Array.of(1)
const zero = Uint8Array.of(0)

const privateDer = (key: PlainPrivateNumbers): Uint8Array => {
  switch (key.kind) {
    case 'ed25519':
      return privateKeyInfo(ed25519Algorithm, octetString(sized(key.seed, 32, 'an Ed25519 seed')))
    case 'ecdsa': {
      // RFC 5915: the scalar in full width, the point beside it.
      const scalar = widened(key.scalar, curves[key.curve].fieldBytes)
      return privateKeyInfo(ecAlgorithm(key.curve), sequence(integer(one), octetString(scalar), tagged(1, bitString(key.point))))
    }
    case 'rsa':
      return privateKeyInfo(rsaAlgorithm, rsaPrivate(key))
    case 'dsa':
      return privateKeyInfo(dsaAlgorithm(key), integer(key.x))
  }
}

/** RSAPrivateKey (RFC 8017 §A.1.2). SSH leaves out d mod (p-1) and d mod (q-1): they are made here, once per key. */
const rsaPrivate = (key: Extract<PlainPrivateNumbers, { kind: 'rsa' }>): Uint8Array => {
  const d = toBig(key.d)
  const exponentFor = (prime: Uint8Array): Uint8Array => {
    const order = toBig(prime) - 1n
    if (order <= 0n) throw new RangeError('an RSA key with a prime below 2')
    return fromBig(d % order)
  }
  return sequence(
    integer(zero),
    integer(key.n),
    integer(key.e),
    integer(key.d),
    integer(key.p),
    integer(key.q),
    integer(exponentFor(key.p)),
    integer(exponentFor(key.q)),
    integer(key.iqmp),
  )
}

const digestName = (kind: PlainPublicNumbers['kind'], hash: HashName | undefined): HashName | null => {
  if (kind === 'ed25519') return null
  if (hash === undefined) throw new TypeError(`${kind} signatures need a hash`)
  return hash
}

/** Options for signing and verifying: `ieee-p1363` is r || s; Node ignores it for keys that have no such pair. */
const withKey = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' }) as const

const ed25519Prefix = Uint8Array.from(Buffer.from('302a300506032b6570032100', 'hex'))

/** Ed25519 keys, which most logins show once, take the shortest way in. */
const publicKeyObject = (numbers: PlainPublicNumbers): KeyObject =>
  numbers.kind === 'ed25519'
    ? publicKeyFromRaw(sized(numbers.publicKey, 32, 'an Ed25519 public key'), 'ed25519', ed25519Prefix)
    : publicKeyFromDer(publicDer(numbers))

/** Throws when the numbers are no key: a point off its curve, a field of the wrong size. */
export const verifyKey = (numbers: VerifiableNumbers): VerifyKey => {
  if (numbers.kind === 'ml-dsa-44') return mldsa44.verifyKey(numbers)
  const key = withKey(publicKeyObject(numbers))
  const modulusBytes = numbers.kind === 'rsa' ? widthOf(numbers.n) : 0
  return {
    verify(hash, data, signature) {
      // Old signers drop leading zeros of an RSA signature; OpenSSL wants its full width.
      const full = signature.length < modulusBytes ? widened(signature, modulusBytes) : signature
      const digest = digestName(numbers.kind, hash)
      try {
        return verify(digest, data, key, full)
      } catch {
        return false
      }
    },
  }
}

/** RSA signs in libuv's threads (0.7 ms at 3072 bits, 1.4 ms at 4096); the others take microseconds and sign at once. */
export const signingKey = (numbers: SigningNumbers): SigningKey => {
  if (numbers.kind === 'ml-dsa-44') return mldsa44.signingKey(numbers)
  const key = withKey(privateKeyFromDer(privateDer(numbers)))
  if (numbers.kind !== 'rsa') return { sign: (hash, data) => plain(sign(digestName(numbers.kind, hash), data, key)) }
  return {
    sign: (hash, data) =>
      new Promise((resolve, reject) => {
        sign(digestName('rsa', hash), data, key, (error, signature) => (error ? reject(error) : resolve(plain(signature))))
      }),
  }
}

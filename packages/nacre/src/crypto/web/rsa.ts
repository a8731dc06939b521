// Owns RSA signatures (PKCS#1 v1.5, RFC 8017 §8.2) on the web: verifying with BigInt, since all of it is public, and
// signing in WebCrypto, which keeps the private numbers to itself. Knows nothing of blobs or of which keys are too weak.
import { KeyFormatError } from '../../errors.ts'
import { equalBytes } from '../constant-time.ts'
import { fromBig, toBig, widened, widthOf } from '../magnitude.ts'
import type { HashName, PrivateKeyNumbers, PublicKeyNumbers, SigningKey, VerifyKey } from '../provider.ts'
import { power } from './big.ts'
import { hash as hashOf } from './hashing.ts'

type RsaPublic = Extract<PublicKeyNumbers, { kind: 'rsa' }>
type RsaPrivate = Extract<PrivateKeyNumbers, { kind: 'rsa' }>

const hex = (digits: string): Uint8Array => fromBig(BigInt(`0x${digits}`))

// DigestInfo up to the hash (RFC 8017 §9.2, note 1).
const digestInfo: Record<HashName, Uint8Array> = {
  md5: hex('3020300c06082a864886f70d020505000410'),
  sha1: hex('3021300906052b0e03021a05000414'),
  sha256: hex('3031300d060960864801650304020105000420'),
  sha384: hex('3041300d060960864801650304020205000430'),
  sha512: hex('3051300d060960864801650304020305000440'),
}

/** EMSA-PKCS1-v1_5 (RFC 8017 §9.2): there is one encoding of each message, so it is made and compared. */
const encoded = (name: HashName, data: Uint8Array, size: number): Uint8Array | undefined => {
  const info = digestInfo[name]
  const digest = hashOf(name, data)
  const padding = size - info.length - digest.length - 3
  if (padding < 8) return undefined
  const out = new Uint8Array(size).fill(0xff, 2, 2 + padding)
  out[1] = 1
  out.set(info, 3 + padding)
  out.set(digest, size - digest.length)
  return out
}

// OpenSSL's bounds, without which a key could ask for minutes of work.
const maximumBytes = 2048
const largeBytes = 384
const maximumLargeExponentBytes = 8

const needsHash = (hash: HashName | undefined): HashName => {
  if (hash === undefined) throw new TypeError('rsa signatures need a hash')
  return hash
}

/** Throws `RangeError` for numbers that are no key or ask for too much work. */
export const rsaVerifyKey = (numbers: RsaPublic): VerifyKey => {
  const [n, e] = [toBig(numbers.n), toBig(numbers.e)]
  const size = widthOf(numbers.n)
  if (n < 3n || n % 2n === 0n || e < 3n || e % 2n === 0n || e >= n)
    throw new RangeError('an RSA key with a modulus or exponent that is none')
  if (size > maximumBytes || (size > largeBytes && widthOf(numbers.e) > maximumLargeExponentBytes))
    throw new RangeError(`an RSA key of ${8 * size} bits, or with an exponent that large, takes too long`)
  return {
    verify(hash, data, signature) {
      const name = needsHash(hash)
      // Old signers drop leading zeros: shorter is taken, longer is not.
      const s = toBig(signature)
      if (signature.length > size || s >= n) return false
      const expected = encoded(name, data, size)
      return expected !== undefined && equalBytes(widened(fromBig(power(s, e, n)), size), expected)
    },
  }
}

const webNames: Partial<Record<HashName, string>> = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' }

const base64url = (magnitude: Uint8Array): string => {
  let text = ''
  for (const byte of magnitude.subarray(magnitude.length - widthOf(magnitude))) text += String.fromCharCode(byte)
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** RFC 7518 §6.3. SSH leaves out d mod (p-1) and d mod (q-1): they are made here, once per key. */
const webKey = (numbers: RsaPrivate): Record<string, string> => {
  const [n, d, p, q] = [numbers.n, numbers.d, numbers.p, numbers.q].map(toBig)
  if (p < 3n || q < 3n || p * q !== n) throw new RangeError('an RSA key whose primes do not make its modulus')
  return {
    kty: 'RSA',
    n: base64url(numbers.n),
    e: base64url(numbers.e),
    d: base64url(numbers.d),
    p: base64url(numbers.p),
    q: base64url(numbers.q),
    dp: base64url(fromBig(d % (p - 1n))),
    dq: base64url(fromBig(d % (q - 1n))),
    qi: base64url(numbers.iqmp),
  }
}

/** Signs in WebCrypto, so later. Throws `KeyFormatError` KEY_UNSUPPORTED where a page has none. */
export const rsaSigningKey = (numbers: RsaPrivate): SigningKey => {
  const subtle = globalThis.crypto.subtle as typeof globalThis.crypto.subtle | undefined
  if (subtle === undefined)
    throw new KeyFormatError(
      'KEY_UNSUPPORTED',
      'RSA keys can sign only where the runtime has WebCrypto: load the page over https or from localhost, or use an Ed25519 key.',
    )
  const key = webKey(numbers)
  const imported = new Map<string, ReturnType<typeof subtle.importKey>>()
  const importFor = (hash: string): ReturnType<typeof subtle.importKey> => {
    const made = imported.get(hash) ?? subtle.importKey('jwk', key, { name: 'RSASSA-PKCS1-v1_5', hash }, false, ['sign'])
    imported.set(hash, made)
    return made
  }
  return {
    async sign(hash, data) {
      const name = webNames[needsHash(hash)]
      if (name === undefined) throw new TypeError(`WebCrypto signs with no ${hash}`)
      // The caller's buffer may change while the key is imported.
      const copy = data.slice()
      return new Uint8Array(await subtle.sign('RSASSA-PKCS1-v1_5', await importFor(name), copy))
    },
  }
}

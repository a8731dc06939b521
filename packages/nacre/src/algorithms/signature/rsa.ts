// Owns ssh-rsa keys and the three signature algorithms over them: rsa-sha2-512, rsa-sha2-256 (RFC 8332) and ssh-rsa with
// SHA-1 (RFC 4253 §6.6). Knows nothing of padding and exponentiation, which are the crypto provider's.
import { WireError } from '../../errors.ts'
import type { HashName, PrivateKeyNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { type Codec, mpint } from '../../wire/codec.ts'
import type { KeyType, Standing } from '../rows.ts'
import { bitLength, isOdd, paddedTo, toBigInt, trimmed } from './integers.ts'
import { ofKind, type PlainSignature, plainSignature } from './plain.ts'
import { maximumRsaBits } from './strength.ts'

const checkPublic = (e: Uint8Array, n: Uint8Array): void => {
  if (!isOdd(e) || bitLength(e) < 2) throw new WireError('an RSA exponent that is even or below 3')
  if (!isOdd(n)) throw new WireError('an RSA modulus that is even')
  const bits = bitLength(n)
  if (bits > maximumRsaBits) throw new WireError(`an RSA key of ${bits} bits, more than ${maximumRsaBits}`)
  // Large exponents make one verification as dear as thousands; nobody uses them.
  if (bitLength(e) > 64 || bitLength(e) >= bits) throw new WireError(`an RSA exponent of ${bitLength(e)} bits`)
}

/** RFC 4253 §6.6: `mpint e`, `mpint n`. */
const publicFields: Codec<PublicKeyNumbers> = {
  read: reader => {
    const e = mpint.read(reader)
    const n = mpint.read(reader)
    checkPublic(e, n)
    return { kind: 'rsa', e, n }
  },
  write: (writer, value) => {
    const { e, n } = ofKind(value, 'rsa')
    mpint.write(writer, e)
    mpint.write(writer, n)
  },
}

/** RFC 9987 §3.2.5 and the OpenSSH key file: n, e, d, iqmp, p, q. */
const privateFields: Codec<PrivateKeyNumbers> = {
  read: reader => {
    const n = mpint.read(reader)
    const e = mpint.read(reader)
    const d = mpint.read(reader)
    const iqmp = mpint.read(reader)
    const p = mpint.read(reader)
    const q = mpint.read(reader)
    checkPublic(e, n)
    // Signing with numbers that do not belong together can give the key away.
    const [P, Q] = [toBigInt(p), toBigInt(q)]
    if (P * Q !== toBigInt(n) || P < 3n || Q < 3n) throw new WireError('an RSA key whose factors do not make its modulus')
    if ((toBigInt(iqmp) * Q) % P !== 1n) throw new WireError('an RSA key with a wrong coefficient')
    if (d.length === 0 || bitLength(d) > bitLength(n)) throw new WireError('an RSA key with a private exponent of no use')
    return { kind: 'rsa', e, n, d, iqmp, p, q }
  },
  write: (writer, value) => {
    const { n, e, d, iqmp, p, q } = ofKind(value, 'rsa')
    for (const number of [n, e, d, iqmp, p, q]) mpint.write(writer, number)
  },
}

export const rsaKey: KeyType<'ssh-rsa'> = {
  name: 'ssh-rsa',
  shortName: 'RSA',
  publicFields,
  privateFields,
  bits: numbers => (numbers.kind === 'rsa' ? bitLength(numbers.n) : 0),
  // What ssh-keygen takes. Below 2048 bits a key is made for others: it is not used here unless a lower floor is asked for.
  sizes: { minimum: 1024, maximum: maximumRsaBits, usual: 3072 },
  generate: (crypto, bits) => crypto.generateKey({ kind: 'rsa', bits }),
  verifyKey: (crypto, numbers) => crypto.verifyKey(ofKind(numbers, 'rsa')),
  signingKey: (crypto, numbers) => crypto.signingKey(ofKind(numbers, 'rsa')),
}

const algorithm = <const N extends string>(name: N, hash: HashName, standing: Standing): PlainSignature<N> =>
  plainSignature({
    name,
    standing,
    keyType: 'ssh-rsa',
    hash,
    decodeSignature: (blob, numbers) => {
      if (numbers.kind !== 'rsa') throw new WireError(`an RSA signature with a key of kind ${numbers.kind}`)
      const size = trimmed(numbers.n).length
      // Some signers drop leading zeros, which RFC 8332 does not allow; like OpenSSH we put them back.
      const raw = blob.length > size || blob.length === 0 ? undefined : paddedTo(blob, size)
      if (raw === undefined) throw new WireError(`an RSA signature of ${blob.length} bytes with a key of ${size}`)
      return raw
    },
    encodeSignature: raw => raw,
  })

/** RFC 8332 §3. */
export const rsaSha512 = algorithm('rsa-sha2-512', 'sha512', 'default')
/** RFC 8332 §3. */
export const rsaSha256 = algorithm('rsa-sha2-256', 'sha256', 'default')
/** RFC 4253 §6.6, with SHA-1: collisions can be had for money (RFC 8332 §1). */
export const insecureSshRsa = algorithm('ssh-rsa', 'sha1', 'insecure')

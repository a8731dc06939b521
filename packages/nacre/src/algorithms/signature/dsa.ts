// Owns ssh-dss (RFC 4253 §6.6): key blob, private fields, signature blob. Insecure, only for old devices: SHA-1 and a
// subgroup of 160 bits. Knows nothing of the arithmetic.
import { WireError } from '../../errors.ts'
import type { PrivateKeyNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { type Codec, mpint } from '../../wire/codec.ts'
import type { Reader } from '../../wire/reader.ts'
import type { KeyType } from '../rows.ts'
import { bitLength, toBigInt } from './integers.ts'
import { ofKind, type PlainSignature, plainSignature } from './plain.ts'

const readPublic = (reader: Reader): Extract<PublicKeyNumbers, { kind: 'dsa' }> => {
  const p = mpint.read(reader)
  const q = mpint.read(reader)
  const g = mpint.read(reader)
  const y = mpint.read(reader)
  // The signature blob has room for 160 bits each, so q can have no other size.
  if (bitLength(q) !== 160) throw new WireError(`a DSA key with a subgroup of ${bitLength(q)} bits, 160 belong there`)
  const bits = bitLength(p)
  if (bits < 1024 || bits > 3072) throw new WireError(`a DSA key of ${bits} bits, 1024 belong there`)
  const modulus = toBigInt(p)
  for (const value of [toBigInt(g), toBigInt(y)])
    if (value < 2n || value >= modulus - 1n) throw new WireError('a DSA key with a number out of range')
  return { kind: 'dsa', p, q, g, y }
}

const publicFields: Codec<PublicKeyNumbers> = {
  read: readPublic,
  write: (writer, value) => {
    const { p, q, g, y } = ofKind(value, 'dsa')
    for (const number of [p, q, g, y]) mpint.write(writer, number)
  },
}

/** RFC 9987 §3.2.1 and the OpenSSH key file: p, q, g, y, x. */
const privateFields: Codec<PrivateKeyNumbers> = {
  read: reader => {
    const shared = readPublic(reader)
    const x = mpint.read(reader)
    if (x.length === 0 || toBigInt(x) >= toBigInt(shared.q)) throw new WireError('a DSA private number out of range')
    return { ...shared, x }
  },
  write: (writer, value) => {
    const { p, q, g, y, x } = ofKind(value, 'dsa')
    for (const number of [p, q, g, y, x]) mpint.write(writer, number)
  },
}

export const dsaKey: KeyType<'ssh-dss'> = {
  name: 'ssh-dss',
  shortName: 'DSA',
  publicFields,
  privateFields,
  bits: numbers => (numbers.kind === 'dsa' ? bitLength(numbers.p) : 0),
  sizes: undefined,
  generate: undefined,
  verifyKey: (crypto, numbers) => crypto.verifyKey(ofKind(numbers, 'dsa')),
  signingKey: (crypto, numbers) => crypto.signingKey(ofKind(numbers, 'dsa')),
}

/** RFC 4253 §6.6: r and s, 160 bits each. */
export const insecureSshDss: PlainSignature<'ssh-dss'> = plainSignature({
  name: 'ssh-dss',
  standing: 'insecure',
  keyType: 'ssh-dss',
  hash: 'sha1',
  decodeSignature: blob => {
    if (blob.length !== 40) throw new WireError(`a DSA signature of ${blob.length} bytes, 40 belong there`)
    if (bitLength(blob.subarray(0, 20)) === 0 || bitLength(blob.subarray(20)) === 0)
      throw new WireError('a DSA signature with a number that is zero')
    return blob
  },
  encodeSignature: raw => raw,
})

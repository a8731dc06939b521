// Owns ecdsa-sha2-nistp256, nistp384 and nistp521: key blobs, private fields and signature blobs (RFC 5656 §3). Knows
// nothing of the arithmetic; that a point lies on its curve is checked by the crypto provider.
import { WireError } from '../../errors.ts'
import type { CurveName, HashName, PrivateKeyNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { type Codec, decode, encode, mpint, struct } from '../../wire/codec.ts'
import type { KeyType } from '../rows.ts'
import { paddedTo } from './integers.ts'
import { ofKind, type PlainSignature, plainSignature } from './plain.ts'

interface Curve {
  readonly name: CurveName
  readonly bits: number
  readonly fieldBytes: number
  readonly hash: HashName
}

/** RFC 5656 §6.2.1: the hash goes with the size of the curve. */
const p256: Curve = { name: 'nistp256', bits: 256, fieldBytes: 32, hash: 'sha256' }
const p384: Curve = { name: 'nistp384', bits: 384, fieldBytes: 48, hash: 'sha384' }
const p521: Curve = { name: 'nistp521', bits: 521, fieldBytes: 66, hash: 'sha512' }

const publicFieldsOf = (curve: Curve): Codec<Extract<PublicKeyNumbers, { kind: 'ecdsa' }>> => ({
  read: reader => {
    const name = reader.text()
    if (name !== curve.name) throw new WireError(`an ecdsa key that names another curve than ${curve.name}`)
    const point = reader.string()
    if (point.length !== 1 + 2 * curve.fieldBytes || point[0] !== 4)
      throw new WireError(`an ecdsa point that is not an uncompressed one of ${curve.name}`)
    return { kind: 'ecdsa', curve: curve.name, point }
  },
  write: (writer, value) => {
    if (value.curve !== curve.name) throw new TypeError(`an ecdsa key of ${value.curve} where ${curve.name} belongs`)
    writer.text(curve.name)
    writer.string(value.point)
  },
})

const keyType = <const N extends string>(name: N, curve: Curve): KeyType<N> => {
  const fields = publicFieldsOf(curve)
  const privateFields: Codec<PrivateKeyNumbers> = {
    read: reader => {
      const shared = fields.read(reader)
      const scalar = paddedTo(mpint.read(reader), curve.fieldBytes)
      if (scalar === undefined || scalar.every(byte => byte === 0)) throw new WireError('an ecdsa private number that is zero or too large')
      return { ...shared, scalar }
    },
    write: (writer, value) => {
      const numbers = ofKind(value, 'ecdsa')
      fields.write(writer, numbers)
      mpint.write(writer, numbers.scalar)
    },
  }
  const publicFields: Codec<PublicKeyNumbers> = {
    read: fields.read,
    write: (writer, value) => fields.write(writer, ofKind(value, 'ecdsa')),
  }
  return {
    name,
    shortName: 'ECDSA',
    publicFields,
    privateFields,
    bits: () => curve.bits,
    sizes: { minimum: curve.bits, maximum: curve.bits, usual: curve.bits },
    generate: crypto => crypto.generateKey({ kind: 'ecdsa', curve: curve.name }),
    verifyKey: (crypto, numbers) => crypto.verifyKey(ofKind(numbers, 'ecdsa')),
    signingKey: (crypto, numbers) => crypto.signingKey(ofKind(numbers, 'ecdsa')),
  }
}

/** RFC 5656 §3.1.2. */
const signatureNumbers = struct({ r: mpint, s: mpint })

const rawSignature = (curve: Curve, blob: Uint8Array): Uint8Array => {
  const { r, s } = decode(signatureNumbers, blob)
  const size = curve.fieldBytes
  if (r.length === 0 || s.length === 0 || r.length > size || s.length > size)
    throw new WireError('an ecdsa signature with a number that is zero or too large')
  const raw = new Uint8Array(2 * size)
  raw.set(r, size - r.length)
  raw.set(s, 2 * size - s.length)
  return raw
}

/** The part of an nistp256 blob that security keys share with this type: the curve's name and a point on it. */
export const nistp256Point: Codec<Uint8Array> = {
  read: reader => publicFieldsOf(p256).read(reader).point,
  write: (writer, point) => publicFieldsOf(p256).write(writer, { kind: 'ecdsa', curve: 'nistp256', point }),
}
/** `mpint r, mpint s` of nistp256 as r || s. */
export const nistp256Signature = (blob: Uint8Array): Uint8Array => rawSignature(p256, blob)

const algorithm = <const N extends string>(name: N, curve: Curve): PlainSignature<N> =>
  plainSignature({
    name,
    standing: 'default',
    keyType: name,
    hash: curve.hash,
    decodeSignature: blob => rawSignature(curve, blob),
    encodeSignature: raw => encode(signatureNumbers, { r: raw.subarray(0, curve.fieldBytes), s: raw.subarray(curve.fieldBytes) }),
  })

export const ecdsaNistp256Key = keyType('ecdsa-sha2-nistp256', p256)
export const ecdsaNistp384Key = keyType('ecdsa-sha2-nistp384', p384)
export const ecdsaNistp521Key = keyType('ecdsa-sha2-nistp521', p521)

export const ecdsaNistp256 = algorithm('ecdsa-sha2-nistp256', p256)
export const ecdsaNistp384 = algorithm('ecdsa-sha2-nistp384', p384)
export const ecdsaNistp521 = algorithm('ecdsa-sha2-nistp521', p521)

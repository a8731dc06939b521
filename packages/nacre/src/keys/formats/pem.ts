// Owns private keys as OpenSSL writes them, unencrypted: PKCS#1, SEC1, DSA and PKCS#8 (RFC 8017, 5915, 5958, 8410). Knows
// nothing of SSH's own formats.
import type { CurveName, CryptoProvider, PrivateKeyNumbers } from '../../crypto/provider.ts'
import { KeyFormatError, WireError } from '../../errors.ts'
import { keyTypeOfNumbers, PrivateKey } from '../private.ts'
import type { KeyType } from '../../algorithms/rows.ts'
import { paddedTo } from '../../algorithms/signature/integers.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { DerReader } from './der.ts'
import { armoured, type KeyFormat, malformed, named, type ReadKeyOptions } from './format.ts'

const curves = new Map<string, { name: CurveName; fieldBytes: number }>([
  ['1.2.840.10045.3.1.7', { name: 'nistp256', fieldBytes: 32 }],
  ['1.3.132.0.34', { name: 'nistp384', fieldBytes: 48 }],
  ['1.3.132.0.35', { name: 'nistp521', fieldBytes: 66 }],
])

/** Files may leave the public half of a curve key out; computing it is not ours. */
type Found = PrivateKeyNumbers | { readonly kind: 'no-public-half' }

/** RFC 8017 §A.1.2. */
const readPkcs1 = (der: DerReader): Found => {
  const fields = der.sequence()
  if (fields.integer().length !== 0) throw new WireError('an RSA key with more than two factors')
  const [n, e, d, p, q] = [fields.integer(), fields.integer(), fields.integer(), fields.integer(), fields.integer()]
  fields.integer()
  fields.integer()
  const iqmp = fields.integer()
  fields.finish()
  return { kind: 'rsa', n, e, d, iqmp, p, q }
}

/** RFC 5915 §3. `outer` is the curve when the surrounding PKCS#8 names it. */
const readSec1 = (der: DerReader, outer?: string): Found => {
  const fields = der.sequence()
  fields.integer()
  const secret = fields.octetString()
  const inner = fields.nextTag === 0xa0 ? new DerReader(fields.take(0xa0)).objectId() : undefined
  const curve = curves.get(outer ?? inner ?? '')
  if (curve === undefined) throw new WireError('a curve that SSH has no key type for')
  const scalar = paddedTo(secret, curve.fieldBytes)
  if (scalar === undefined) throw new WireError('a private number that is too large')
  if (fields.nextTag !== 0xa1) return { kind: 'no-public-half' }
  return { kind: 'ecdsa', curve: curve.name, point: new DerReader(fields.take(0xa1)).bitString(), scalar }
}

/** OpenSSL's own: 0, p, q, g, y, x. */
const readDsa = (der: DerReader): Found => {
  const fields = der.sequence()
  fields.integer()
  const [p, q, g, y, x] = [fields.integer(), fields.integer(), fields.integer(), fields.integer(), fields.integer()]
  fields.finish()
  return { kind: 'dsa', p, q, g, y, x }
}

/** RFC 5958 §2. */
const readPkcs8 = (der: DerReader): Found => {
  const fields = der.sequence()
  fields.integer()
  const algorithm = fields.sequence()
  const name = algorithm.objectId()
  const inner = new DerReader(fields.octetString())
  if (name === '1.2.840.113549.1.1.1') return readPkcs1(inner)
  if (name === '1.2.840.10045.2.1') return readSec1(inner, algorithm.objectId())
  if (name === '1.3.101.112') return { kind: 'no-public-half' }
  throw new WireError(`a key of the algorithm ${name}, which SSH has no key type for`)
}

/** Passes the numbers through the checks every key passes. */
const checked = (numbers: PrivateKeyNumbers): PrivateKey => {
  const row: KeyType = keyTypeOfNumbers(numbers)
  const writer = new Writer(1024)
  row.privateFields.write(writer, numbers)
  return new PrivateKey(row.privateFields.read(new Reader(writer.written())))
}

const pem = (label: string, name: string, parse: (der: DerReader) => Found): KeyFormat => {
  const read = (_crypto: CryptoProvider, text: string, options: ReadKeyOptions): PrivateKey => {
    const { path } = options
    let found: Found
    try {
      const der = new DerReader(armoured(text, label, path))
      found = parse(der)
      der.finish()
      if (found.kind !== 'no-public-half') return checked(found)
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw malformed(path, cause.message, cause)
    }
    throw new KeyFormatError(
      'KEY_UNSUPPORTED',
      `${named(path)} is in ${name} form and leaves its public half out, which is not supported. Use a key in OpenSSH's own form, as ssh-keygen makes it.`,
      path,
    )
  }
  return { name, recognises: text => text.includes(`-----BEGIN ${label}-----`), read, publicPart: () => undefined }
}

export const pkcs1Format = pem('RSA PRIVATE KEY', 'PEM (PKCS#1)', readPkcs1)
export const sec1Format = pem('EC PRIVATE KEY', 'PEM (SEC1)', readSec1)
export const dsaFormat = pem('DSA PRIVATE KEY', 'PEM (DSA)', readDsa)
export const pkcs8Format = pem('PRIVATE KEY', 'PEM (PKCS#8)', readPkcs8)

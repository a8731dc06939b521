// Owns OpenSSH certificates, version 01 (PROTOCOL.certkeys, draft-miller-ssh-cert): reading one from its blob.
// Knows nothing of whom to trust; see `certificate-check.ts`.
import type { KeyType } from '../algorithms/rows.ts'
import { keyTypes as usualKeyTypes } from '../algorithms/signature/table.ts'
import { escapeForPeople, KeyFormatError, WireError } from '../errors.ts'
import { bytes, decode, encode, type Infer, repeated, struct, text } from '../wire/codec.ts'
import { decodeProse, Reader } from '../wire/reader.ts'
import { isCertificateType, plainTypeOf } from './certificate-names.ts'
import { parsePublicKey, type PublicKey } from './public.ts'

export { certificateTypeOf, isCertificateType, plainTypeOf } from './certificate-names.ts'

/** The number of a kind on the wire. */
export const certificateKinds = { user: 1, host: 2 } as const
export type CertificateKind = keyof typeof certificateKinds

/** `valid before` of a certificate that never expires. */
export const forever = 0xffffffffffffffffn

/** A critical option or an extension: its name, and its data as it stands in the certificate. */
export interface CertificateOption {
  readonly name: string
  readonly data: Uint8Array
}

export interface Certificate {
  readonly kind: CertificateKind
  /** The type of the certificate, e.g. `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string
  /** The plain key that is certified. */
  readonly key: PublicKey
  readonly nonce: Uint8Array
  readonly serial: bigint
  /** Words of the authority; unescaped. */
  readonly keyId: string
  /** Names of users or of hosts; unescaped. An empty list means nobody. */
  readonly principals: readonly string[]
  /** Seconds since 1970, included. */
  readonly validAfter: bigint
  /** Seconds since 1970, not included; `forever` for no end. */
  readonly validBefore: bigint
  readonly criticalOptions: readonly CertificateOption[]
  readonly extensions: readonly CertificateOption[]
  /** The authority's key, as the certificate says. Whether it made the signature is for `checkCertificate` to say. */
  readonly signatureKey: PublicKey
  /** The algorithm the signature names. */
  readonly signatureAlgorithm: string
  /** A whole signature blob. */
  readonly signature: Uint8Array
  /** What the signature is made over: all before it. */
  readonly signed: Uint8Array
  /** The whole certificate. A copy of its own. */
  readonly blob: Uint8Array
}

/** OpenSSH reads so many principals at most. */
export const mostPrincipals = 256
const mostOptions = 256

const optionFields = struct({ name: text, data: bytes })
const optionList = repeated(optionFields, mostOptions)
const principalList = repeated(text, mostPrincipals)
const signatureStart = struct({ algorithm: text, signature: bytes })

/** Bytes that have to be text without an end in the middle: C programs would read less of it than we do. */
const whole = (value: string, what: string): string => {
  if (value.includes('\0')) throw new WireError(`a ${what} with a zero byte`)
  return value
}

const kindOf = (number: number): CertificateKind => {
  if (number === certificateKinds.user) return 'user'
  if (number === certificateKinds.host) return 'host'
  throw new WireError(`a certificate of kind ${number}, which is neither user (1) nor host (2)`)
}

/** The key in the middle of a certificate, as the blob it has on its own. */
const certifiedKey = (type: string, reader: Reader, keyTypes: readonly KeyType[]): PublicKey => {
  const plain = plainTypeOf(type)
  if (plain === 'ssh-dss') throw new KeyFormatError('KEY_UNSUPPORTED', 'The certificate is of a DSA key. DSA is broken; it is not used.')
  const row = keyTypes.find(each => each.name === plain)
  if (row === undefined) {
    throw new KeyFormatError(
      'KEY_UNSUPPORTED',
      `The certificate is of type ${escapeForPeople(type, { limit: 64 })}, whose keys are not known here.`,
    )
  }
  const start = reader.offset
  row.publicFields.read(reader)
  const name = encode(text, plain)
  const blob = new Uint8Array(name.length + reader.offset - start)
  blob.set(name)
  blob.set(reader.bytes.subarray(start, reader.offset), name.length)
  return parsePublicKey(blob, keyTypes)
}

const authorityKey = (blob: Uint8Array, keyTypes: readonly KeyType[]): PublicKey => {
  const key = parsePublicKey(blob, keyTypes)
  if (isCertificateType(key.type)) throw new WireError('a certificate signed by a certificate, which cannot be an authority')
  return key
}

const copied = (options: Infer<typeof optionList>): readonly CertificateOption[] =>
  options.map(({ name, data }) => ({ name: whole(name, 'name of an option'), data: data.slice() }))

/** The algorithm a signature blob names. Security keys put flags and a counter behind the signature, so bytes may follow. */
const algorithmOf = (signature: Uint8Array): string => signatureStart.read(new Reader(signature)).algorithm

/**
 * Reads a certificate's blob. The signature is not checked. Throws `WireError` for bytes that are no certificate, for one
 * that is signed by a certificate, and for one that is neither of a user nor of a host; `KeyFormatError` (KEY_UNSUPPORTED)
 * for a kind of key that is not used.
 */
export const parseCertificate = (blob: Uint8Array, keyTypes: readonly KeyType[] = usualKeyTypes): Certificate => {
  const own = new Uint8Array(blob)
  const reader = new Reader(own)
  const type = reader.text()
  if (!isCertificateType(type)) throw new WireError('a key that is no certificate')
  const nonce = reader.string()
  const key = certifiedKey(type, reader, keyTypes)
  const serial = reader.uint64()
  const kind = kindOf(reader.uint32())
  const keyId = whole(decodeProse(reader.string()), 'key ID')
  const principals = decode(principalList, reader.string()).map(each => whole(each, 'principal'))
  const validAfter = reader.uint64()
  const validBefore = reader.uint64()
  const criticalOptions = copied(decode(optionList, reader.string()))
  const extensions = copied(decode(optionList, reader.string()))
  // Reserved, and ignored.
  reader.string()
  const signatureKey = authorityKey(reader.string(), keyTypes)
  const signed = own.subarray(0, reader.offset)
  const signature = reader.string()
  reader.finish()
  return {
    kind,
    type,
    key,
    nonce,
    serial,
    keyId,
    principals,
    validAfter,
    validBefore,
    criticalOptions,
    extensions,
    signatureKey,
    signatureAlgorithm: algorithmOf(signature),
    signature,
    signed,
    blob: own,
  }
}

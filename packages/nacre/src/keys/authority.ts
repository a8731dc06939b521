// Owns issuing certificates: a small authority over any signer, with the bytes ssh-keygen would write. Knows nothing of
// files, of whom to certify, or of where the authority's key is.
import type { Random } from '../crypto/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { bytes, encode, repeated, struct, text } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { type Certificate, certificateKinds, type CertificateKind, forever, mostPrincipals, parseCertificate } from './certificate.ts'
import { certificateTypeOf, isCertificateType } from './certificate-names.ts'
import { usualExtensions } from './certificate-options.ts'
import type { PublicKey } from './public.ts'
import type { Signer } from './signer.ts'

/** Options by name: `true` for one without data, a text, or the very bytes of the data. */
export type CertificateOptions = Readonly<Record<string, true | string | Uint8Array>>

export interface IssueOptions {
  /** The authority. */
  readonly signer: Signer
  /** The algorithm it signs with. Default: the strongest of the signer's, which for RSA is `rsa-sha2-512`. */
  readonly algorithm?: string
  /** The plain key to certify. */
  readonly key: PublicKey
  readonly kind: CertificateKind
  /** Words that name it in logs. */
  readonly keyId: string
  /** Users or hosts, at most 256. With none it is for nobody; old servers take such a certificate for everybody's, so mind them. */
  readonly principals: readonly string[]
  /** Default 0. */
  readonly serial?: bigint
  /** Seconds since 1970, included. Default 0: always. */
  readonly validAfter?: bigint
  /** Seconds since 1970, not included. Default `forever`. */
  readonly validBefore?: bigint
  /** `force-command`, `source-address`, `verify-required`, or one of your own. Default none. */
  readonly criticalOptions?: CertificateOptions
  /** Default: for users all that ssh-keygen gives, for hosts none. */
  readonly extensions?: CertificateOptions
  /** Fills the nonce. */
  readonly random: Random
}

const optionCodec = repeated(struct({ name: text, data: bytes }), 1 << 16)
const principalCodec = repeated(text, mostPrincipals)
const nonceBytes = 32

const utf8 = new TextEncoder()

/** By bytes, as strcmp does. */
const compare = (left: string, right: string): number => {
  const [a, b] = [utf8.encode(left), utf8.encode(right)]
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i]
  return a.length - b.length
}

const dataOf = (value: true | string | Uint8Array): Uint8Array =>
  value === true ? new Uint8Array(0) : typeof value === 'string' ? encode(text, value) : value

/** PROTOCOL.certkeys: options are in the order of their names. */
const encodeOptions = (options: CertificateOptions): Uint8Array =>
  encode(
    optionCodec,
    Object.entries(options)
      .toSorted(([left], [right]) => compare(left, right))
      .map(([name, value]) => ({ name, data: dataOf(value) })),
  )

const usualFor = (kind: CertificateKind): CertificateOptions =>
  kind === 'user' ? Object.fromEntries(usualExtensions.map(name => [name, true as const])) : {}

const check = ({ key, principals, keyId, validAfter = 0n, validBefore = forever }: IssueOptions): void => {
  if (isCertificateType(key.type)) throw new TypeError('a certificate cannot be certified; give its key')
  if (key.type === 'ssh-dss' || key.numbers === undefined)
    throw new KeyFormatError('KEY_UNSUPPORTED', `Keys of type ${key.type} cannot be certified.`)
  if (principals.length > mostPrincipals) throw new TypeError(`${principals.length} principals; at most ${mostPrincipals} are allowed`)
  if (principals.includes('')) throw new TypeError('an empty principal')
  if ([...principals, keyId].some(each => each.includes('\0'))) throw new TypeError('a zero byte in a name')
  if (validBefore <= validAfter) throw new TypeError('a certificate that ends before it begins')
}

/** The type stands in front of the fields of a key blob. */
const fieldsOf = (key: PublicKey): Uint8Array => {
  const reader = new Reader(key.blob)
  reader.string()
  return reader.rest()
}

/** All that is signed. */
const bodyOf = (options: IssueOptions): Uint8Array => {
  const { key, kind, keyId, principals, serial = 0n, validAfter = 0n, validBefore = forever, criticalOptions, extensions, signer } = options
  const nonce = new Uint8Array(nonceBytes)
  options.random(nonce)
  const writer = new Writer(1024)
  writer.text(certificateTypeOf(key.type))
  writer.string(nonce)
  writer.fixed(fieldsOf(key))
  writer.uint64(serial)
  writer.uint32(certificateKinds[kind])
  writer.text(keyId)
  writer.string(encode(principalCodec, principals))
  writer.uint64(validAfter)
  writer.uint64(validBefore)
  writer.string(encodeOptions(criticalOptions ?? {}))
  writer.string(encodeOptions(extensions ?? usualFor(kind)))
  // Reserved.
  writer.string(new Uint8Array(0))
  writer.string(signer.publicKey.blob)
  return writer.written().slice()
}

/**
 * Issues a certificate. Throws `TypeError` for what no certificate can say, `KeyFormatError` (KEY_UNSUPPORTED) for a key that
 * cannot be certified, and what the signer throws.
 */
export const issueCertificate = async (options: IssueOptions): Promise<Certificate> => {
  const { signer } = options
  check(options)
  if (isCertificateType(signer.publicKey.type)) throw new TypeError('a certificate cannot be an authority; give its key')
  const body = bodyOf(options)
  const algorithm = options.algorithm ?? signer.algorithms[0]
  if (algorithm === undefined) throw new TypeError('the signer has no algorithm')
  const signature = await signer.sign(body, algorithm)
  const writer = new Writer(body.length + signature.length + 4)
  writer.fixed(body)
  writer.string(signature)
  return parseCertificate(writer.written())
}

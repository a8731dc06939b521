// Owns signatures of files (PROTOCOL.sshsig): the armour, the blob, making one with any signer and checking one, with the data
// hashed as it comes. Knows nothing of who may sign what; see `allowed-signers.ts`.
import { signatureAlgorithms, keyTypes } from '../algorithms/signature/table.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import type { KeyType, SignatureAlgorithm, SignatureProof } from '../algorithms/rows.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { escapeForPeople, KeyFormatError, SignatureFileError, WireError } from '../errors.ts'
import { bytes, struct, text, uint32 } from '../wire/codec.ts'
import { decodeProse, Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { isCertificateType, plainTypeOf } from './certificate-names.ts'
import { parsePublicKey, type PublicKey } from './public.ts'
import type { Signer } from './signer.ts'
import { proveSignature, verifySignature } from './verify.ts'

/** The hashes a file may be signed by. */
export type FileHash = 'sha256' | 'sha512'

/** What is signed: bytes, or pieces of them in order. They are hashed as they come and not kept. */
export type SignedData = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>

export interface SignatureFile {
  /** The key that signed, or its certificate. */
  readonly publicKey: PublicKey
  /** What the signature is for, such as `file`, `git`, `email`. Unescaped. */
  readonly namespace: string
  /** Kept as it was, and ignored. */
  readonly reserved: Uint8Array
  readonly hash: FileHash
  /** A whole signature blob (`string algorithm, string signature`). */
  readonly signature: Uint8Array
}

const begin = '-----BEGIN SSH SIGNATURE-----'
const end = '-----END SSH SIGNATURE-----'
const preamble = new TextEncoder().encode('SSHSIG')
const format = 1
const nothing = new Uint8Array(0)

/** No key and no certificate makes a signature of more. */
const mostSignatureBytes = 1024 * 1024

const startFields = struct({ version: uint32 })
const blobFields = struct({ publicKey: bytes, namespace: text, reserved: bytes, hash: text, signature: bytes })
const signedFields = struct({ namespace: text, reserved: bytes, hash: text, digest: bytes })

const malformed = (what: string, cause?: unknown): SignatureFileError =>
  new SignatureFileError('SIGNATURE_MALFORMED', `The signature ${what}.`, cause === undefined ? undefined : { cause })

const isFileHash = (name: string): name is FileHash => name === 'sha256' || name === 'sha512'

/** C text: a zero byte may stand at its end and nowhere else. */
const cText = (value: string): string => {
  const zero = value.indexOf('\0')
  if (zero >= 0 && zero < value.length - 1) throw new WireError('a name with a zero byte in it')
  return zero < 0 ? value : value.slice(0, zero)
}

/** Reads what stands within the armour. Throws `SignatureFileError`. */
export const parseSignatureBlob = (blob: Uint8Array): SignatureFile => {
  const own = new Uint8Array(blob)
  if (!preamble.every((byte, i) => own[i] === byte)) throw malformed('does not begin like one of a file')
  const reader = new Reader(own, preamble.length)
  try {
    const { version } = startFields.read(reader)
    if (version > format) {
      throw new SignatureFileError('SIGNATURE_UNSUPPORTED', `The signature is of version ${version}; only ${format} is known.`)
    }
    const fields = blobFields.read(reader)
    reader.finish()
    const hash = cText(fields.hash)
    if (!isFileHash(hash)) {
      throw new SignatureFileError(
        'SIGNATURE_UNSUPPORTED',
        `The signature is over the hash "${escapeForPeople(hash, { limit: 32 })}"; only sha256 and sha512 are used.`,
      )
    }
    return { ...fields, hash, namespace: cText(fields.namespace), publicKey: parsePublicKey(fields.publicKey) }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(`is damaged: ${cause.message}`, cause)
  }
}

/**
 * Reads a signature file, which must begin with its header; what stands behind its footer is ignored. Throws
 * `SignatureFileError`: SIGNATURE_MALFORMED, SIGNATURE_UNSUPPORTED for another version or hash. PROTOCOL.sshsig §1
 */
export const parseSignatureFile = (file: string | Uint8Array): SignatureFile => {
  if (file.length > mostSignatureBytes) throw malformed(`has more than ${mostSignatureBytes} bytes`)
  const content = typeof file === 'string' ? file : decodeProse(file)
  const header = content.startsWith(`${begin}\r\n`) ? begin.length + 2 : content.startsWith(`${begin}\n`) ? begin.length + 1 : -1
  if (header < 0) throw malformed(`does not begin with a line "${begin}"`)
  const footer = content.indexOf(`\n${end}`, header)
  if (footer < 0) throw malformed(`does not end with a line "${end}"; it may have been cut`)
  const blob = decodeBase64(content.slice(header, footer).replaceAll(/[ \t\n\v\f\r]/g, ''))
  if (blob === undefined) throw malformed('is not base64 between its header and its footer')
  return parseSignatureBlob(blob)
}

/** The bytes within the armour. */
const writeBlob = ({ publicKey, namespace, reserved, hash, signature }: SignatureFile): Uint8Array => {
  const writer = new Writer(512)
  writer.fixed(preamble)
  startFields.write(writer, { version: format })
  blobFields.write(writer, { publicKey: publicKey.blob, namespace, reserved, hash, signature })
  return writer.written()
}

/** The text of a signature file, as ssh-keygen writes it: lines of 70, and a line break at the end. */
export const formatSignatureFile = (signature: SignatureFile): string => {
  const lines = encodeBase64(writeBlob(signature)).match(/.{1,70}/g) ?? []
  return [begin, ...lines, end, ''].join('\n')
}

const digestOf = async (crypto: CryptoProvider, hash: FileHash, data: SignedData): Promise<Uint8Array> => {
  if (data instanceof Uint8Array) return crypto.hash(hash, data)
  const hasher = crypto.hasher(hash)
  for await (const piece of data) hasher.update(piece)
  return hasher.digest()
}

/** §3: what the signature is really made over. The reserved field is empty there whatever the blob says. */
const signedBytes = (namespace: string, hash: FileHash, digest: Uint8Array): Uint8Array => {
  const writer = new Writer(256)
  writer.fixed(preamble)
  signedFields.write(writer, { namespace, reserved: nothing, hash, digest })
  return writer.written()
}

const checkNamespace = (namespace: string): void => {
  if (namespace === '' || namespace.includes('\0')) throw new TypeError('a signature of a file needs a namespace, such as "file"')
}

/** Names of algorithms no signature of a file may be made by: SHA-1 and DSA. */
const insecure: ReadonlySet<string> = new Set(signatureAlgorithms.filter(row => row.standing === 'insecure').map(row => row.name))

const choose = (signer: Signer, hash: FileHash): string => {
  const usable = signer.algorithms.filter(each => !insecure.has(plainTypeOf(each)))
  const suited = usable.find(each => plainTypeOf(each) === (hash === 'sha256' ? 'rsa-sha2-256' : 'rsa-sha2-512'))
  const chosen = suited ?? usable[0]
  if (chosen === undefined) {
    throw new KeyFormatError(
      'KEY_UNSUPPORTED',
      `The key of ${signer.source} can sign by ${signer.algorithms.join(', ') || 'nothing'} only, which is not used for files.`,
    )
  }
  return chosen
}

export interface SignFileOptions {
  /** What the signature is for: whoever verifies must name the same. `file` for files in general, `git` for git. */
  readonly namespace: string
  /** Default `sha512`. */
  readonly hash?: FileHash
  /** Default: the signer's first that is not insecure; with RSA the one with the same hash. */
  readonly algorithm?: string
}

/**
 * Signs data and gives the text of a signature file. Any signer will do: a key file, an agent, a certificate over either.
 * Throws `KeyFormatError` (KEY_UNSUPPORTED) when it has no algorithm that may be used, `TypeError` for an empty namespace or
 * an insecure algorithm.
 */
export const signFile = async (crypto: CryptoProvider, signer: Signer, data: SignedData, options: SignFileOptions): Promise<string> => {
  const { namespace, hash = 'sha512' } = options
  checkNamespace(namespace)
  const algorithm = options.algorithm ?? choose(signer, hash)
  if (insecure.has(plainTypeOf(algorithm))) throw new TypeError(`files are not signed by ${algorithm}, which is insecure`)
  const digest = await digestOf(crypto, hash, data)
  const signature = await signer.sign(signedBytes(namespace, hash, digest), algorithm)
  return formatSignatureFile({ publicKey: signer.publicKey, namespace, reserved: nothing, hash, signature })
}

export interface VerifyFileOptions {
  /** What the signature must be for. */
  readonly namespace: string
  /** RSA keys with fewer bits prove nothing. Default 2048. */
  readonly minimumRsaBits?: number
  /** Where algorithms are looked up. Default: all nacre has. */
  readonly tables?: { readonly signatures: readonly SignatureAlgorithm[]; readonly keyTypes: readonly KeyType[] }
}

/** Why a signature does not hold. */
export interface SignatureRefusal {
  readonly is: 'wrong'
  readonly reason: 'namespace' | 'algorithm' | 'weak-key' | 'certificate' | 'signature'
  /** A sentence for people; safe to show. */
  readonly message: string
}

/** That a key made the signature. Whether that key may is another question: see `verifySignedFile`. */
export interface RightSignature {
  readonly is: 'right'
  /** The key that signed, or its certificate. */
  readonly key: PublicKey
  /** The certificate, if it was one. Its authority signed it; whether it is valid now and for whom was not asked. */
  readonly certificate: Certificate | undefined
  readonly algorithm: string
  readonly hash: FileHash
  /** What a security key said: whether somebody touched it, was known to it, and how often it has signed. */
  readonly securityKey: SignatureProof['securityKey']
}

const wrong = (reason: SignatureRefusal['reason'], message: string): SignatureRefusal => ({ is: 'wrong', reason, message })

type Tables = NonNullable<VerifyFileOptions['tables']>

/** The certificate of a key that is one, if the authority it names has signed it. */
const certificateIn = (crypto: CryptoProvider, tables: Tables, key: PublicKey): Certificate | SignatureRefusal | undefined => {
  if (!isCertificateType(key.type)) return undefined
  try {
    const certificate = parseCertificate(key.blob, tables.keyTypes)
    const signed = verifySignature(crypto, tables, {
      publicKey: certificate.signatureKey.blob,
      algorithm: certificate.signatureAlgorithm,
      data: certificate.signed,
      signature: certificate.signature,
    })
    return signed ? certificate : wrong('certificate', 'The certificate in the signature was not signed by the authority it names.')
  } catch (error) {
    if (error instanceof WireError) return wrong('certificate', `The certificate in the signature is damaged: ${error.message}.`)
    if (error instanceof KeyFormatError) return wrong('certificate', error.message)
    throw error
  }
}

const algorithmOf = (signature: Uint8Array): string | undefined => {
  try {
    return new Reader(signature).text()
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/**
 * Whether the signature is right, over this data and for this namespace, by the key it names: `ssh-keygen -Y check-novalidate`.
 * What is wrong is an answer. Throws `SignatureFileError` for what is no signature file, and what the data throws.
 */
export const verifyFile = async (
  crypto: CryptoProvider,
  data: SignedData,
  file: SignatureFile | string | Uint8Array,
  options: VerifyFileOptions,
): Promise<RightSignature | SignatureRefusal> => {
  checkNamespace(options.namespace)
  const signature = typeof file === 'string' || file instanceof Uint8Array ? parseSignatureFile(file) : file
  const tables = options.tables ?? { signatures: signatureAlgorithms, keyTypes }
  const { publicKey, namespace, hash } = signature
  if (namespace !== options.namespace) {
    return wrong(
      'namespace',
      `The signature is for "${escapeForPeople(namespace, { limit: 100 })}", not for "${escapeForPeople(options.namespace, { limit: 100 })}".`,
    )
  }
  const certificate = certificateIn(crypto, tables, publicKey)
  if (certificate !== undefined && 'is' in certificate) return certificate
  const key = certificate?.key ?? publicKey
  const algorithm = algorithmOf(signature.signature) ?? ''
  const row = tables.signatures.find(each => each.name === algorithm && each.keyType === key.type)
  if (row === undefined || insecure.has(row.name)) {
    return wrong(
      'algorithm',
      `The signature is made by ${escapeForPeople(algorithm, { limit: 64 }) || 'nothing'}, which is not accepted of a ${escapeForPeople(key.type, { limit: 64 })} key.`,
    )
  }
  const weakness = key.numbers === undefined ? undefined : tooWeak(key.numbers, options.minimumRsaBits)
  if (weakness !== undefined) return wrong('weak-key', `The signature is by a key that ${weakness}.`)
  const proof = proveSignature(crypto, tables, {
    publicKey: key.blob,
    algorithm,
    data: signedBytes(namespace, hash, await digestOf(crypto, hash, data)),
    signature: signature.signature,
    ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
  })
  if (proof === undefined) return wrong('signature', 'The signature is wrong: the data or the signature has been changed.')
  return { is: 'right', key: publicKey, certificate, algorithm, hash, securityKey: proof.securityKey }
}

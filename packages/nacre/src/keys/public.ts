// Owns a public key as a value: its blob, type, numbers and fingerprint, and the one-line text form OpenSSH uses. Knows
// nothing of private keys, files or trust.
import { keyTypes as usualKeyTypes } from '../algorithms/signature/table.ts'
import type { KeyType } from '../algorithms/rows.ts'
import type { PublicKeyNumbers } from '../crypto/provider.ts'
import { escapeForPeople, KeyFormatError, WireError } from '../errors.ts'
import { encode, text } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { isCertificateType, plainTypeOf } from './certificate-names.ts'
import { fingerprint, type FingerprintHash } from './fingerprint.ts'

/** A public key. Made by `parsePublicKey`, `parsePublicKeyLine` or `publicKeyOf`. */
export class PublicKey {
  /** The type its blob names, e.g. `ssh-ed25519`. Unescaped when it is a type we do not know. */
  readonly type: string
  /** The key as it travels (RFC 4253 §6.6). A copy of its own. */
  readonly blob: Uint8Array
  /** `undefined` for types we do not know: such a key can be kept, shown and sent on, but not used to verify. */
  readonly numbers: PublicKeyNumbers | undefined
  /** Size as `ssh-keygen -l` prints it; 0 when not known. */
  readonly bits: number
  /** What stood behind the key in its file, or ''. */
  readonly comment: string
  /** Of a certificate, the blob of the key in it: a fingerprint is that of the key, whatever certifies it. */
  readonly #certified: Uint8Array | undefined
  #sha256: string | undefined

  constructor(parts: {
    type: string
    blob: Uint8Array
    numbers: PublicKeyNumbers | undefined
    bits: number
    comment?: string
    certified?: Uint8Array | undefined
  }) {
    this.type = parts.type
    this.blob = parts.blob
    this.numbers = parts.numbers
    this.bits = parts.bits
    this.comment = parts.comment ?? ''
    this.#certified = parts.certified
  }

  /** The key as it travels without a certificate; of a plain key, `blob`. */
  get plainBlob(): Uint8Array {
    return this.#certified ?? this.blob
  }

  /** `SHA256:…` by default. That of a certificate is its key's. */
  fingerprint(hash: FingerprintHash = 'sha256'): string {
    if (hash !== 'sha256') return fingerprint(this.plainBlob, hash)
    this.#sha256 ??= fingerprint(this.plainBlob)
    return this.#sha256
  }

  /** True when both are the same key; comments do not count. */
  equals(other: PublicKey | Uint8Array): boolean {
    return sameBlob(this.blob, other instanceof PublicKey ? other.blob : other)
  }

  /** The same key with another comment. */
  withComment(comment: string): PublicKey {
    const { type, blob, numbers, bits } = this
    return new PublicKey({ type, blob, numbers, bits, comment, certified: this.#certified })
  }

  toString(): string {
    return formatPublicKeyLine(this)
  }
}

/** Public keys are no secret, so this may take as long as it takes. */
export const sameBlob = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, i) => byte === right[i])

/** Of a certificate (PROTOCOL.certkeys), the key in it, behind a nonce; the rest is for `parseCertificate`. */
const certifiedPart = (type: string, blob: Uint8Array, reader: Reader, row: KeyType): PublicKey => {
  reader.string()
  const start = reader.offset
  const numbers = row.publicFields.read(reader)
  const writer = new Writer()
  writer.text(row.name)
  writer.fixed(blob.subarray(start, reader.offset))
  return new PublicKey({ type, blob, numbers, bits: row.bits(numbers), certified: writer.written() })
}

/**
 * Reads a key blob (RFC 4253 §6.6), or a certificate, whose numbers, size and fingerprint are those of its key. Types without a row in `keyTypes` are kept with `numbers: undefined`. Throws
 * `WireError` for bytes that are no key blob, and for a key of a known type that is not valid.
 */
export const parsePublicKey = (blob: Uint8Array, keyTypes: readonly KeyType[] = usualKeyTypes): PublicKey => {
  // Not `slice`: on a Buffer, which is a Uint8Array too, that makes a view.
  const own = new Uint8Array(blob)
  const reader = new Reader(own)
  const type = reader.text()
  if (!/^[\x21-\x2b\x2d-\x7e]{1,64}$/.test(type)) throw new WireError('a key type that is not a name (RFC 4251 §6)')
  const row = keyTypes.find(each => each.name === plainTypeOf(type))
  if (row !== undefined && isCertificateType(type)) return certifiedPart(type, own, reader, row)
  if (row === undefined) return new PublicKey({ type, blob: own, numbers: undefined, bits: 0 })
  const numbers = row.publicFields.read(reader)
  reader.finish()
  return new PublicKey({ type, blob: own, numbers, bits: row.bits(numbers) })
}

/** The key with these numbers and the type `type`. */
export const publicKeyOf = (row: KeyType, numbers: PublicKeyNumbers, comment = ''): PublicKey => {
  const writer = new Writer()
  writer.text(row.name)
  row.publicFields.write(writer, numbers)
  return parsePublicKey(writer.written(), [row]).withComment(comment)
}

/** A key blob that only names its type, to recognise certificates and the like by. */
const startsLike = (blob: Uint8Array, type: string): boolean => {
  const start = encode(text, type)
  return blob.length > start.length && start.every((byte, i) => byte === blob[i])
}

/**
 * Reads `type base64 [comment]`, the form of `.pub` files. Throws `KeyFormatError` (KEY_FORMAT_UNKNOWN when it is not
 * such a line, KEY_MALFORMED when the key in it is damaged).
 */
export const parsePublicKeyLine = (line: string, path?: string): PublicKey => {
  const trimmed = line.trim()
  // No part of the pattern can match in two ways, so that no line, however made, takes long.
  const fields = /[\r\n]/.test(trimmed) ? null : /^([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?$/s.exec(trimmed)
  const shown = path === undefined ? 'The public key' : `The public key in ${path}`
  if (fields === null || fields[2] === undefined) {
    throw new KeyFormatError('KEY_FORMAT_UNKNOWN', `${shown} is not a line of the form "type base64 comment".`, path)
  }
  const [, type, base64, comment] = fields
  const blob = decodeBase64(base64)
  if (blob === undefined)
    throw new KeyFormatError('KEY_MALFORMED', `${shown} has a second field that is not base64; it may have been cut or wrapped.`, path)
  if (!startsLike(blob, type)) {
    throw new KeyFormatError(
      'KEY_MALFORMED',
      `${shown} says it is of type ${escapeForPeople(type, { limit: 64 })}, and its data says otherwise.`,
      path,
    )
  }
  try {
    return parsePublicKey(blob).withComment(comment ?? '')
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new KeyFormatError('KEY_MALFORMED', `${shown} is damaged: ${cause.message}.`, path, { cause })
  }
}

/** `type base64 comment`, without a line break. */
export const formatPublicKeyLine = (key: PublicKey, comment = key.comment): string => {
  const base = `${key.type} ${encodeBase64(key.blob)}`
  const oneLine = comment.replaceAll(/[\r\n]+/g, ' ').trim()
  return oneLine === '' ? base : `${base} ${oneLine}`
}

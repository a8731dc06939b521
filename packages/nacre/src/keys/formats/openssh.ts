// Owns the openssh-key-v1 format (OpenSSH's PROTOCOL.key): reading and writing it, encrypted or not. Knows nothing of
// files or where a passphrase comes from.
import bcrypt from 'bcrypt-pbkdf'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { escapeForPeople, KeyFormatError, WireError } from '../../errors.ts'
import { bytes, decode, rest, struct, text, uint32 } from '../../wire/codec.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { keyTypes } from '../../algorithms/signature/table.ts'
import { encodeBase64 } from '../base64.ts'
import { keyTypeOfNumbers, PrivateKey } from '../private.ts'
import { parsePublicKey, type PublicKey, sameBlob } from '../public.ts'
import { type FileCipher, fileCiphers } from './file-ciphers.ts'
import {
  armoured,
  type KeyFormat,
  malformed,
  named,
  type Passphrase,
  passphraseBytes,
  passphraseNeeded,
  passphraseWrong,
  type ReadKeyOptions,
} from './format.ts'

const label = 'OPENSSH PRIVATE KEY'
const magic = 'openssh-key-v1\0'
/** bcrypt rounds in files we write: what OpenSSH 10 uses; about 0.3 s to open. */
const defaultRounds = 24
/** More rounds than this would block the program for half a minute. */
const maximumRounds = 1024

/** The file behind the magic; a cipher with a tag puts it behind the last string. */
const fileFields = struct({ cipher: text, kdf: text, kdfOptions: bytes, count: uint32, publicKey: bytes, section: bytes, tag: rest })
const bcryptOptions = struct({ salt: bytes, rounds: uint32 })

type FileFields = ReturnType<(typeof fileFields)['read']>

const unsupported = (path: string | undefined, what: string): KeyFormatError =>
  new KeyFormatError('KEY_UNSUPPORTED', `${named(path)} ${what}.`, path)

const readFields = (input: string, path: string | undefined): FileFields => {
  const raw = armoured(input, label, path)
  for (let i = 0; i < magic.length; i++)
    if (raw[i] !== magic.charCodeAt(i)) throw malformed(path, 'it does not begin as the OpenSSH format does')
  let fields: FileFields
  try {
    fields = decode(fileFields, raw.subarray(magic.length))
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(path, `it is cut off or garbled (${cause.message})`, cause)
  }
  if (fields.count !== 1) throw unsupported(path, `holds ${fields.count} keys; only files with one are supported`)
  return fields
}

const deriveKey = (cipher: FileCipher, passphrase: Uint8Array, salt: Uint8Array, rounds: number): { key: Uint8Array; iv: Uint8Array } => {
  const both = new Uint8Array(cipher.keyBytes + cipher.ivBytes)
  if (bcrypt.pbkdf(passphrase, passphrase.length, salt, salt.length, both, both.length, rounds) !== 0)
    throw new WireError('bcrypt refused its inputs')
  return { key: both.subarray(0, cipher.keyBytes), iv: both.subarray(cipher.keyBytes) }
}

const decrypt = (crypto: CryptoProvider, fields: FileFields, options: ReadKeyOptions): Uint8Array => {
  const { path, passphrase } = options
  const cipher = fileCiphers.find(each => each.name === fields.cipher)
  if (cipher === undefined)
    throw unsupported(path, `is encrypted with ${escapeForPeople(fields.cipher, { limit: 64 })}, which is not supported`)
  if (fields.kdf !== 'bcrypt')
    throw unsupported(path, `derives its key with ${escapeForPeople(fields.kdf, { limit: 64 })}, which is not supported`)
  if (passphrase === undefined) throw passphraseNeeded(path)
  const { salt, rounds } = decode(bcryptOptions, fields.kdfOptions)
  if (rounds === 0 || salt.length === 0) throw malformed(path, 'its key derivation has no salt or no rounds')
  if (rounds > maximumRounds) {
    throw unsupported(path, `asks for ${rounds} bcrypt rounds, more than ${maximumRounds}; lower them with: ssh-keygen -p -a 64 -f <file>`)
  }
  if (fields.section.length === 0 || fields.section.length % cipher.blockBytes !== 0 || fields.tag.length !== cipher.tagBytes) {
    throw malformed(path, `its encrypted part has a length that ${cipher.name} cannot make`)
  }
  const secret = passphraseBytes(passphrase)
  if (secret.length === 0) throw passphraseWrong(path)
  const { key, iv } = deriveKey(cipher, secret, salt, rounds)
  const section = new Uint8Array(fields.section.length + fields.tag.length)
  section.set(fields.section)
  section.set(fields.tag, fields.section.length)
  const opened = cipher.process(crypto, key, iv, section, 'open')
  secret.fill(0)
  key.fill(0)
  iv.fill(0)
  if (opened === undefined) throw passphraseWrong(path)
  return opened
}

/** Two equal numbers, the key, its comment, and padding of 1, 2, 3 … (PROTOCOL.key §3). */
const readSection = (section: Uint8Array, publicBlob: Uint8Array, path: string | undefined): PrivateKey => {
  const reader = new Reader(section)
  reader.fixed(8)
  const type = reader.text()
  const row = keyTypes.find(each => each.name === type)
  if (row === undefined) throw unsupported(path, `holds a key of type ${escapeForPeople(type, { limit: 64 })}, which is not supported`)
  const numbers = row.privateFields.read(reader)
  const comment = new TextDecoder().decode(reader.string())
  for (let expected = 1; reader.remaining > 0; expected++)
    if (reader.byte() !== (expected & 0xff)) throw malformed(path, 'its padding is wrong')
  const key = new PrivateKey(numbers, comment)
  if (!sameBlob(key.publicBlob, publicBlob)) throw malformed(path, 'its public and its private part are different keys')
  return key
}

const read = (crypto: CryptoProvider, input: string, options: ReadKeyOptions): PrivateKey => {
  const { path } = options
  const fields = readFields(input, path)
  try {
    const encrypted = fields.cipher !== 'none'
    if (!encrypted && fields.tag.length > 0) throw malformed(path, 'bytes are left over')
    const section = encrypted ? decrypt(crypto, fields, options) : fields.section.slice()
    if (section.length < 8) throw malformed(path, 'its private part is cut off')
    if (!sameBlob(section.subarray(0, 4), section.subarray(4, 8)))
      throw encrypted ? passphraseWrong(path) : malformed(path, 'its two check numbers differ')
    return readSection(section, fields.publicKey, path)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(path, cause.message, cause)
  }
}

const publicPart = (input: string, options: ReadKeyOptions): PublicKey => {
  const fields = readFields(input, options.path)
  try {
    return parsePublicKey(fields.publicKey)
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(options.path, cause.message, cause)
  }
}

export const opensshFormat: KeyFormat = {
  name: 'OpenSSH',
  recognises: input => input.includes(`-----BEGIN ${label}-----`),
  read,
  publicPart,
}

export interface WriteKeyOptions {
  /** Encrypts the file. Without it the key lies open. */
  readonly passphrase?: Passphrase
  /** Default `aes256-ctr`, as OpenSSH. */
  readonly cipher?: string
  /** bcrypt rounds, 1 to 1024. Default 24. */
  readonly rounds?: number
  /** Default: the key's own. */
  readonly comment?: string
}

const writeSection = (crypto: CryptoProvider, key: PrivateKey, comment: string, blockBytes: number, tagBytes: number): Uint8Array => {
  const writer = new Writer(1024)
  const check = new Uint8Array(4)
  crypto.random(check)
  writer.fixed(check)
  writer.fixed(check)
  const row = keyTypeOfNumbers(key.revealNumbers())
  writer.text(row.name)
  row.privateFields.write(writer, key.revealNumbers())
  writer.text(comment)
  for (let pad = 1; writer.offset % blockBytes !== 0; pad++) writer.byte(pad)
  writer.fixed(new Uint8Array(tagBytes))
  return writer.written()
}

/** The text of an OpenSSH private key file. Throws `TypeError` for a cipher or a number of rounds there is not. */
export const writeOpensshPrivateKey = (crypto: CryptoProvider, key: PrivateKey, options: WriteKeyOptions = {}): string => {
  const comment = options.comment ?? key.comment
  const rounds = options.rounds ?? defaultRounds
  const secret = options.passphrase === undefined ? undefined : passphraseBytes(options.passphrase)
  const cipher = fileCiphers.find(each => each.name === (options.cipher ?? 'aes256-ctr'))
  if (cipher === undefined) throw new TypeError(`there is no cipher ${options.cipher} for key files`)
  if (secret?.length === 0) throw new TypeError('an empty passphrase does not encrypt; leave it out')
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maximumRounds)
    throw new TypeError(`${rounds} bcrypt rounds are not 1 to ${maximumRounds}`)
  const file = new Writer(2048)
  file.fixed(new TextEncoder().encode(magic))
  file.text(secret === undefined ? 'none' : cipher.name)
  file.text(secret === undefined ? 'none' : 'bcrypt')
  const kdfOptions = new Writer(64)
  const salt = new Uint8Array(16)
  if (secret !== undefined) {
    crypto.random(salt)
    kdfOptions.string(salt)
    kdfOptions.uint32(rounds)
  }
  file.string(kdfOptions.written())
  file.uint32(1)
  file.string(key.publicBlob)
  const tagBytes = secret === undefined ? 0 : cipher.tagBytes
  const section = writeSection(crypto, key, comment, secret === undefined ? 8 : cipher.blockBytes, tagBytes)
  if (secret !== undefined) {
    const derived = deriveKey(cipher, secret, salt, rounds)
    cipher.process(crypto, derived.key, derived.iv, section, 'seal')
    secret.fill(0)
  }
  file.string(section.subarray(0, section.length - tagBytes))
  file.fixed(section.subarray(section.length - tagBytes))
  const lines = encodeBase64(file.written()).match(/.{1,70}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

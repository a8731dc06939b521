// Owns the openssh-key-v1 format (OpenSSH's PROTOCOL.key): reading and writing it, encrypted or not. Knows nothing of
// files or where a passphrase comes from.
import type { CryptoProvider } from '../../crypto/provider.ts'
import { escapeForPeople, WireError } from '../../errors.ts'
import { bytes, decode, rest, struct, text, uint32 } from '../../wire/codec.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { keyTypes } from '../../algorithms/signature/table.ts'
import { keyTypeOfNumbers, PrivateKey } from '../private.ts'
import { parsePublicKey, type PublicKey, sameBlob } from '../public.ts'
import { armour, armoured, hasArmour } from './armour.ts'
import { type FileCipher, fileCiphers } from './file-ciphers.ts'
import {
  chosenCost,
  chosenPassphrase,
  type KeyFormat,
  type KeyWriter,
  type LockedKey,
  malformed,
  passphraseWrong,
  type Place,
  read,
  unsupported,
} from './format.ts'

const name = 'OpenSSH'
const label = 'OPENSSH PRIVATE KEY'
const magic = 'openssh-key-v1\0'
/** bcrypt rounds in files we write: what OpenSSH 10 uses; about 0.3 s to open. */
const defaultRounds = 24
/** More rounds than this would keep a processor busy for half a minute. */
const maximumRounds = 1024

/** The file behind the magic; a cipher with a tag puts it behind the last string. */
const fileFields = struct({ cipher: text, kdf: text, kdfOptions: bytes, count: uint32, publicKey: bytes, section: bytes, tag: rest })
const bcryptOptions = struct({ salt: bytes, rounds: uint32 })

type FileFields = ReturnType<(typeof fileFields)['read']>

const readFields = (input: string, place: Place): FileFields => {
  const raw = armoured(input, label, place).bytes
  for (let i = 0; i < magic.length; i++)
    if (raw[i] !== magic.charCodeAt(i)) throw malformed(place, 'it does not begin as the OpenSSH format does')
  let fields: FileFields
  try {
    fields = decode(fileFields, raw.subarray(magic.length))
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw malformed(place, `it is cut off or garbled (${cause.message})`, cause)
  }
  if (fields.count !== 1) throw unsupported(place, `holds ${fields.count} keys; only files with one are supported`)
  return fields
}

/** The key and the first vector of a file's cipher. */
const derived = async (crypto: CryptoProvider, cipher: FileCipher, passphrase: Uint8Array, salt: Uint8Array, rounds: number) => {
  const both = await crypto.derive({ kind: 'bcrypt', rounds }, passphrase, salt, cipher.keyBytes + cipher.ivBytes)
  return { key: both.subarray(0, cipher.keyBytes), iv: both.subarray(cipher.keyBytes), wipe: () => both.fill(0) }
}

/** Two equal numbers, the key, its comment, and padding of 1, 2, 3 … (PROTOCOL.key §3). */
const readSection = (section: Uint8Array, publicBlob: Uint8Array, place: Place): PrivateKey => {
  const reader = new Reader(section)
  reader.fixed(8)
  const type = reader.text()
  const row = keyTypes.find(each => each.name === type)
  if (row === undefined) throw unsupported(place, `holds a key of type ${escapeForPeople(type, { limit: 64 })}, which is not supported`)
  const numbers = row.privateFields.read(reader)
  const comment = new TextDecoder().decode(reader.string())
  for (let expected = 1; reader.remaining > 0; expected++)
    if (reader.byte() !== (expected & 0xff)) throw malformed(place, 'its padding is wrong')
  const key = new PrivateKey(numbers, comment)
  if (!sameBlob(key.publicBlob, publicBlob)) throw malformed(place, 'its public and its private part are different keys')
  return key
}

const sameNumbers = (section: Uint8Array): boolean => sameBlob(section.subarray(0, 4), section.subarray(4, 8))

/** All of an encrypted file that can be refused before somebody is asked for a passphrase. */
const locked = (crypto: CryptoProvider, fields: FileFields, place: Place): LockedKey => {
  const cipher = fileCiphers.find(each => each.name === fields.cipher)
  if (cipher === undefined)
    throw unsupported(place, `is encrypted with ${escapeForPeople(fields.cipher, { limit: 64 })}, which is not supported`)
  if (fields.kdf !== 'bcrypt')
    throw unsupported(place, `derives its key with ${escapeForPeople(fields.kdf, { limit: 64 })}, which is not supported`)
  const { salt, rounds } = decode(bcryptOptions, fields.kdfOptions)
  if (rounds === 0 || salt.length === 0) throw malformed(place, 'its key derivation has no salt or no rounds')
  if (rounds > maximumRounds)
    throw unsupported(place, `asks for ${rounds} bcrypt rounds, more than ${maximumRounds}; lower them with: ssh-keygen -p -a 64 -f <file>`)
  if (fields.section.length < 8 || fields.section.length % cipher.blockBytes !== 0 || fields.tag.length !== cipher.tagBytes)
    throw malformed(place, `its encrypted part has a length that ${cipher.name} cannot make`)
  const unlock = async (passphrase: Uint8Array): Promise<PrivateKey> => {
    const { key, iv, wipe } = await derived(crypto, cipher, passphrase, salt, rounds)
    const section = new Uint8Array(fields.section.length + fields.tag.length)
    section.set(fields.section)
    section.set(fields.tag, fields.section.length)
    const opened = cipher.process(crypto, key, iv, section, 'open')
    wipe()
    if (opened === undefined || !sameNumbers(opened)) throw passphraseWrong(place)
    return read(place, () => readSection(opened, fields.publicKey, place))
  }
  return { publicKey: parsePublicKey(fields.publicKey), unlock }
}

export const opensshFormat: KeyFormat = {
  name,
  recognises: input => hasArmour(input, label),
  read: (crypto, input, path) => {
    const place: Place = { path, format: name }
    const fields = readFields(input, place)
    return read(place, () => {
      if (fields.cipher !== 'none') return locked(crypto, fields, place)
      if (fields.tag.length > 0) throw malformed(place, 'bytes are left over')
      const section = fields.section.slice()
      if (section.length < 8) throw malformed(place, 'its private part is cut off')
      if (!sameNumbers(section)) throw malformed(place, 'its two check numbers differ')
      return readSection(section, fields.publicKey, place)
    })
  },
  publicPart: (input, path): PublicKey => {
    const place: Place = { path, format: name }
    const fields = readFields(input, place)
    return read(place, () => parsePublicKey(fields.publicKey))
  },
}

/** No key is larger: a writer of this size does not grow, and so leaves no copies of the secret behind. */
const sectionBytes = 1 << 15

const writeSection = (crypto: CryptoProvider, key: PrivateKey, comment: string, blockBytes: number, tagBytes: number): Uint8Array => {
  const writer = new Writer(sectionBytes + comment.length * 3)
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

interface Sealed {
  readonly cipher: string
  readonly kdf: string
  readonly kdfOptions: Uint8Array
  /** The tag at its end. */
  readonly section: Uint8Array
  readonly tagBytes: number
}

const fileOf = (key: PrivateKey, { cipher, kdf, kdfOptions, section, tagBytes }: Sealed): string => {
  const file = new Writer(section.length + 4096)
  file.fixed(new TextEncoder().encode(magic))
  file.text(cipher)
  file.text(kdf)
  file.string(kdfOptions)
  file.uint32(1)
  file.string(key.publicBlob)
  file.string(section.subarray(0, section.length - tagBytes))
  file.fixed(section.subarray(section.length - tagBytes))
  const all = armour(label, file.written(), 70)
  section.fill(0)
  file.written().fill(0)
  return all
}

/** The text of an OpenSSH private key file that is not encrypted. */
export const writeOpensshPrivateKey = (crypto: CryptoProvider, key: PrivateKey, { comment = key.comment } = {}): string =>
  fileOf(key, {
    cipher: 'none',
    kdf: 'none',
    kdfOptions: new Uint8Array(0),
    section: writeSection(crypto, key, comment, 8, 0),
    tagBytes: 0,
  })

export const writeOpenssh: KeyWriter = async (crypto, key, options) => {
  const comment = options.comment ?? key.comment
  const rounds = chosenCost(options.rounds ?? defaultRounds, 1, maximumRounds, 'bcrypt rounds')
  const cipher = fileCiphers.find(each => each.name === (options.cipher ?? 'aes256-ctr'))
  if (cipher === undefined) throw new TypeError(`there is no cipher ${options.cipher} for key files`)
  const secret = chosenPassphrase(options)
  if (secret === undefined) return writeOpensshPrivateKey(crypto, key, { comment })
  const salt = new Uint8Array(16)
  crypto.random(salt)
  const kdfOptions = new Writer(64)
  kdfOptions.string(salt)
  kdfOptions.uint32(rounds)
  const { key: sealing, iv, wipe } = await derived(crypto, cipher, secret, salt, rounds)
  secret.fill(0)
  const section = writeSection(crypto, key, comment, cipher.blockBytes, cipher.tagBytes)
  cipher.process(crypto, sealing, iv, section, 'seal')
  wipe()
  return fileOf(key, { cipher: cipher.name, kdf: 'bcrypt', kdfOptions: kdfOptions.written(), section, tagBytes: cipher.tagBytes })
}

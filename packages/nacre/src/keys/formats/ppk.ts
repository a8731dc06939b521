// Owns PuTTY's private key files, versions 2 and 3: their lines, and how numbers stand in them. Knows nothing of the keys that
// guard them.
import { equalBytes } from '../../crypto/constant-time.ts'
import type { Argon2Name } from '../../crypto/derivation.ts'
import type { CryptoProvider, PrivateKeyNumbers } from '../../crypto/provider.ts'
import { escapeForPeople, WireError } from '../../errors.ts'
import { mpint } from '../../wire/codec.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { decodeBase64 } from '../base64.ts'
import type { PrivateKey } from '../private.ts'
import { parsePublicKey, type PublicKey } from '../public.ts'
import { wrapped } from './armour.ts'
import { checkedKey, ecdsaNumbers, ed25519Numbers } from './asn1-private.ts'
import {
  chosenCost,
  chosenPassphrase,
  type KeyFormat,
  type KeyWriter,
  malformed,
  noFormFor,
  passphraseWrong,
  type Place,
  read,
  unsupported,
  type WriteKeyOptions,
} from './format.ts'
import { fromHex, toHex } from './hex.ts'
import { type Argon2Costs, lockedKeys, macOf, openKeys, type PpkKeys, type PpkProtection } from './ppk-keys.ts'

const beginning = 'PuTTY-User-Key-File-'
const encryption = 'aes256-cbc'
const blockBytes = 16
const macLine = 'Private-MAC'

/** Half a gibibyte; PuTTY's own default is 8 MiB. */
const maximumMemory = 512 * 1024
/** KiB times passes: some seconds of one processor. */
const maximumWork = 16 * 1024 * 1024
const maximumParallelism = 16
const maximumSaltBytes = 1024

const argon2Names: ReadonlyMap<string, Argon2Name> = new Map([
  ['Argon2d', 'argon2d'],
  ['Argon2i', 'argon2i'],
  ['Argon2id', 'argon2id'],
])

interface PpkFile {
  readonly place: Place
  readonly type: string
  readonly encryption: string
  readonly comment: string
  readonly publicBlob: Uint8Array
  readonly protection: PpkProtection
  readonly privateBlob: Uint8Array
  readonly mac: Uint8Array
}

/** The lines one after the other, each with the name it must have. */
class Lines {
  readonly #lines: readonly string[]
  readonly #place: Place
  #next = 0

  constructor(text: string, place: Place) {
    this.#lines = text.split(/\r\n|\r|\n/)
    this.#place = place
  }

  field(name: string): string {
    const line = this.#lines[this.#next++]
    // The last line of all is the MAC: any other that nothing follows has lost its end.
    if (line === undefined || line === '' || (this.#next >= this.#lines.length && name !== macLine))
      throw malformed(this.#place, `it is cut off before its line "${name}"`)
    if (!line.startsWith(`${name}: `) && line !== `${name}:`)
      throw malformed(this.#place, `where its line "${name}" belongs stands another`)
    return line.slice(name.length + 2)
  }

  count(name: string): number {
    const text = this.field(name)
    if (!/^\d{1,9}$/.test(text)) throw malformed(this.#place, `its line "${name}" is no number`)
    return Number(text)
  }

  /** Base64 in as many lines as the line before them says. */
  block(name: string): Uint8Array {
    const count = this.count(name)
    const lines = this.#lines.slice(this.#next, this.#next + count)
    if (lines.length < count) throw malformed(this.#place, `it is cut off within its "${name}"`)
    this.#next += count
    const bytes = decodeBase64(lines.join(''))
    if (bytes === undefined) throw malformed(this.#place, `the lines under its "${name}" are not base64`)
    return bytes
  }

  hex(name: string): Uint8Array {
    const bytes = fromHex(this.field(name))
    if (bytes === undefined) throw malformed(this.#place, `its line "${name}" is not hexadecimal`)
    return bytes
  }
}

const readArgon2 = (lines: Lines, place: Place): Argon2Costs => {
  const shown = lines.field('Key-Derivation')
  const name = argon2Names.get(shown)
  if (name === undefined) throw unsupported(place, `makes its key with ${escapeForPeople(shown, { limit: 64 })}, which is not supported`)
  const [memory, passes, parallelism] = [lines.count('Argon2-Memory'), lines.count('Argon2-Passes'), lines.count('Argon2-Parallelism')]
  const salt = lines.hex('Argon2-Salt')
  if (passes === 0 || parallelism === 0 || memory < 8 * parallelism || salt.length < 8)
    throw malformed(place, 'its Argon2 has costs or a salt that there are not')
  if (memory > maximumMemory || memory * passes > maximumWork || parallelism > maximumParallelism || salt.length > maximumSaltBytes) {
    const asked = `${memory} KiB, ${passes} passes and ${parallelism} lanes`
    throw unsupported(
      place,
      `asks for an Argon2 of ${asked}, more than is reasonable. Write it anew: puttygen <file> --reencrypt -O private`,
    )
  }
  return { name, memory, passes, parallelism, salt }
}

const parse = (text: string, path: string | undefined): PpkFile => {
  const end = text.indexOf(':')
  const shown = text.slice(beginning.length, end)
  const place: Place = { path, format: /^\d$/.test(shown) ? `PuTTY ${shown}` : 'PuTTY' }
  if (shown !== '2' && shown !== '3') throw unsupported(place, 'is of a version that is not supported: 2 and 3 are')
  const version = shown === '2' ? 2 : 3
  const lines = new Lines(text, place)
  const type = lines.field(`${beginning}${version}`)
  const sealedBy = lines.field('Encryption')
  if (sealedBy !== 'none' && sealedBy !== encryption)
    throw unsupported(place, `is encrypted with ${escapeForPeople(sealedBy, { limit: 64 })}, which is not supported`)
  const comment = lines.field('Comment')
  const publicBlob = lines.block('Public-Lines')
  const argon2 = version === 3 && sealedBy !== 'none' ? readArgon2(lines, place) : undefined
  const privateBlob = lines.block('Private-Lines')
  const mac = lines.hex(macLine)
  if (mac.length !== (version === 2 ? 20 : 32)) throw malformed(place, `its line "${macLine}" is cut off`)
  if (sealedBy !== 'none' && (privateBlob.length === 0 || privateBlob.length % blockBytes !== 0))
    throw malformed(place, 'its encrypted part has a length that its cipher cannot make')
  return { place, type, encryption: sealedBy, comment, publicBlob, protection: { version, argon2 }, privateBlob, mac }
}

const publicKeyOf = ({ place, type, publicBlob, comment }: PpkFile): PublicKey =>
  read(place, () => {
    const key = parsePublicKey(publicBlob)
    if (key.type !== type) throw new WireError('its first line names another type than its public part')
    return key.withComment(comment)
  })

/** Files of Windows may have comments in an older code than UTF-8; as Latin-1 their bytes come back as they were. */
const commentBytes = (comment: string): readonly Uint8Array[] => {
  const latin1 = Uint8Array.from(comment, character => character.charCodeAt(0) & 0xff)
  return [new TextEncoder().encode(comment), latin1]
}

/** The private numbers, with whatever pads them behind. */
const readNumbers = (crypto: CryptoProvider, key: PublicKey, privateBlob: Uint8Array): PrivateKeyNumbers => {
  const reader = new Reader(privateBlob)
  const { numbers } = key
  switch (numbers?.kind) {
    case 'rsa': {
      const [d, p, q, iqmp] = [mpint.read(reader), mpint.read(reader), mpint.read(reader), mpint.read(reader)]
      return { kind: 'rsa', n: numbers.n, e: numbers.e, d, p, q, iqmp }
    }
    case 'dsa':
      return { ...numbers, x: mpint.read(reader) }
    case 'ecdsa':
      return ecdsaNumbers(crypto, numbers.curve, mpint.read(reader), numbers.point)
    case 'ed25519': {
      // A number with its lowest byte first: zeros at its end may be missing.
      const seed = new Uint8Array(32)
      const given = reader.string()
      if (given.length > seed.length) throw new WireError('an Ed25519 key of more than 32 bytes')
      seed.set(given)
      return ed25519Numbers(crypto, seed, numbers.publicKey)
    }
    default:
      throw new WireError('a type whose private part is not known')
  }
}

const finish = (crypto: CryptoProvider, file: PpkFile, publicKey: PublicKey, keys: PpkKeys, privateBlob: Uint8Array): PrivateKey => {
  const { type, publicBlob, place } = file
  const fits = commentBytes(file.comment).some(comment => {
    const input = { type, encryption: file.encryption, comment, publicBlob, privateBlob }
    return equalBytes(macOf(crypto, file.protection, keys.macKey, input), file.mac)
  })
  if (!fits) throw file.encryption === 'none' ? malformed(place, 'its checksum (Private-MAC) is wrong') : passphraseWrong(place)
  return read(place, () => checkedKey(readNumbers(crypto, publicKey, privateBlob), file.comment))
}

export const ppkFormat: KeyFormat = {
  name: 'PuTTY',
  recognises: text => text.startsWith(beginning),
  read: (crypto, text, path) => {
    const file = parse(text, path)
    const publicKey = publicKeyOf(file)
    if (publicKey.numbers === undefined || !['rsa', 'dsa', 'ecdsa', 'ed25519'].includes(publicKey.numbers.kind))
      throw unsupported(file.place, `holds a key of type ${escapeForPeople(file.type, { limit: 64 })}, which is not supported`)
    if (file.encryption === 'none') return finish(crypto, file, publicKey, openKeys(crypto, file.protection), file.privateBlob)
    const unlock = async (passphrase: Uint8Array): Promise<PrivateKey> => {
      const keys = await lockedKeys(crypto, file.protection, passphrase)
      const opened = new Uint8Array(file.privateBlob)
      try {
        crypto.streamCipher('aes256-cbc', keys.cipherKey, keys.iv, 'open').process(opened, 0, opened.length)
        return finish(crypto, file, publicKey, keys, opened)
      } finally {
        keys.wipe()
        opened.fill(0)
      }
    }
    return { publicKey, unlock }
  },
  publicPart: (text, path) => publicKeyOf(parse(text, path)),
}

/** The private numbers as PuTTY writes them, padded for the cipher with the beginning of their own SHA-1. */
const writeNumbers = (crypto: CryptoProvider, key: PrivateKey, version: number, padded: boolean): Uint8Array => {
  const numbers = key.revealNumbers()
  const writer = new Writer(1 << 15)
  switch (numbers.kind) {
    case 'rsa':
      for (const each of [numbers.d, numbers.p, numbers.q, numbers.iqmp]) mpint.write(writer, each)
      break
    case 'ecdsa':
      mpint.write(writer, numbers.scalar)
      break
    case 'ed25519':
      writer.string(numbers.seed)
      break
    default:
      throw noFormFor(key, `PuTTY ${version}`, 'Write it in OpenSSH form.')
  }
  const pad = padded ? (blockBytes - (writer.offset % blockBytes)) % blockBytes : 0
  if (pad > 0) writer.fixed(crypto.hash('sha1', writer.written()).subarray(0, pad))
  return writer.written()
}

const chosenArgon2 = (crypto: CryptoProvider, { rounds = 21, argon2 = {} }: WriteKeyOptions): Argon2Costs => {
  const { name = 'argon2id', memory = 8192, parallelism = 1 } = argon2
  const salt = new Uint8Array(16)
  crypto.random(salt)
  chosenCost(parallelism, 1, maximumParallelism, 'lanes of Argon2')
  chosenCost(memory, 8 * parallelism, maximumMemory, 'KiB of Argon2')
  chosenCost(rounds, 1, Math.floor(maximumWork / memory), 'passes of Argon2')
  return { name, memory, passes: rounds, parallelism, salt }
}

const argon2Lines = (costs: Argon2Costs | undefined): readonly string[] =>
  costs === undefined
    ? []
    : [
        `Key-Derivation: A${costs.name.slice(1)}`,
        `Argon2-Memory: ${costs.memory}`,
        `Argon2-Passes: ${costs.passes}`,
        `Argon2-Parallelism: ${costs.parallelism}`,
        `Argon2-Salt: ${toHex(costs.salt)}`,
      ]

const writer =
  (version: 2 | 3): KeyWriter =>
  async (crypto, key, options) => {
    const secret = chosenPassphrase(options)
    const comment = (options.comment ?? key.comment).replaceAll(/[\r\n]+/g, ' ')
    const sealedBy = secret === undefined ? 'none' : encryption
    const protection: PpkProtection = { version, argon2: secret !== undefined && version === 3 ? chosenArgon2(crypto, options) : undefined }
    const privateBlob = writeNumbers(crypto, key, version, secret !== undefined)
    const keys = secret === undefined ? openKeys(crypto, protection) : await lockedKeys(crypto, protection, secret)
    const { publicBlob, type } = key
    const mac = macOf(crypto, protection, keys.macKey, {
      type,
      encryption: sealedBy,
      comment: new TextEncoder().encode(comment),
      publicBlob,
      privateBlob,
    })
    if (secret !== undefined) crypto.streamCipher('aes256-cbc', keys.cipherKey, keys.iv, 'seal').process(privateBlob, 0, privateBlob.length)
    const [publicLines, privateLines] = [wrapped(publicBlob, 64), wrapped(privateBlob, 64)]
    for (const each of [privateBlob, secret]) each?.fill(0)
    keys.wipe()
    const lines = [
      `${beginning}${version}: ${type}`,
      `Encryption: ${sealedBy}`,
      `Comment: ${comment}`,
      `Public-Lines: ${publicLines.length}`,
      ...publicLines,
      ...argon2Lines(protection.argon2),
      `Private-Lines: ${privateLines.length}`,
      ...privateLines,
      `Private-MAC: ${toHex(mac)}`,
    ]
    return `${lines.join('\n')}\n`
  }

export const writePpk2: KeyWriter = writer(2)
export const writePpk3: KeyWriter = writer(3)

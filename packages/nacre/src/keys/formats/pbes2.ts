// Owns PBES2 (RFC 8018 §6.2): how an encrypted PKCS#8 file says what it is encrypted with, and making its key. Knows nothing
// of what is inside.
import { integer, octetString, sequence } from '../../crypto/der.ts'
import type { Derivation, Pbkdf2Hash } from '../../crypto/derivation.ts'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { type CbcCipher, cbcCiphers, openCbc, sealCbc } from './cbc.ts'
import { algorithmOf, type DerReader, nothing, objectName } from './der.ts'
import { malformed, type Place, unsupported } from './format.ts'

const pbes2 = '1.2.840.113549.1.5.13'
const pbkdf2 = '1.2.840.113549.1.5.12'
const hmacSha256 = '1.2.840.113549.2.9'
const aes256Cbc = '2.16.840.1.101.3.4.1.42'
/** RFC 7914 §7. */
const scrypt = '1.3.6.1.4.1.11591.4.11'

/** RFC 8018 §B.1.2. */
const hashes: ReadonlyMap<string, Pbkdf2Hash> = new Map([
  ['1.2.840.113549.2.7', 'sha1'],
  ['1.2.840.113549.2.8', 'sha224'],
  [hmacSha256, 'sha256'],
  ['1.2.840.113549.2.10', 'sha384'],
  ['1.2.840.113549.2.11', 'sha512'],
])

const ciphers: ReadonlyMap<string, CbcCipher> = new Map<string, CbcCipher>([
  ['2.16.840.1.101.3.4.1.2', cbcCiphers.aes128],
  ['2.16.840.1.101.3.4.1.22', cbcCiphers.aes192],
  [aes256Cbc, cbcCiphers.aes256],
  ['1.2.840.113549.3.7', cbcCiphers.tripleDes],
])

/** Some seconds of one processor. */
export const maximumIterations = 10_000_000
/** In bytes. */
const maximumScryptMemory = 512 * 1024 * 1024
const maximumSaltBytes = 1024

export interface Encryption {
  readonly by: CbcCipher
  readonly iv: Uint8Array
  readonly salt: Uint8Array
  readonly derivation: Derivation
}

const tooDear = (place: Place, what: string) => unsupported(place, `asks for ${what} to make its key, more than is reasonable`)

/** RFC 8018 §A.2. The key's length, when it stands there, must be the cipher's. */
const readPbkdf2 = (fields: DerReader, place: Place, keyBytes: number): Pick<Encryption, 'salt' | 'derivation'> => {
  const salt = fields.octetString()
  const iterations = fields.count(maximumIterations)
  if (iterations === undefined) throw tooDear(place, `over ${maximumIterations} iterations`)
  if (iterations === 0) throw malformed(place, 'its key derivation has no iterations')
  if (fields.nextTag === 0x02 && fields.count(64) !== keyBytes) throw malformed(place, 'its key has another length than its cipher')
  // RFC 8018 §A.2: SHA-1 when it is not said.
  const prf = fields.atEnd ? undefined : algorithmOf(fields).name
  const hash = prf === undefined ? 'sha1' : hashes.get(prf)
  if (hash === undefined) throw unsupported(place, `makes its key with a function (${prf}) that is not supported`)
  fields.finish()
  return { salt, derivation: { kind: 'pbkdf2', hash, iterations } }
}

/** RFC 7914 §7.1. */
const readScrypt = (fields: DerReader, place: Place, keyBytes: number): Pick<Encryption, 'salt' | 'derivation'> => {
  const salt = fields.octetString()
  const [cost, blockSize, parallelism] = [fields.count(1 << 30), fields.count(1 << 16), fields.count(64)]
  if (cost === undefined || blockSize === undefined || parallelism === undefined) throw tooDear(place, 'a scrypt of too high a cost')
  if (fields.nextTag === 0x02 && fields.count(64) !== keyBytes) throw malformed(place, 'its key has another length than its cipher')
  fields.finish()
  if (cost < 2 || (cost & (cost - 1)) !== 0 || blockSize === 0 || parallelism === 0)
    throw malformed(place, 'its scrypt has a cost that there is not')
  const memory = 128 * cost * blockSize
  if (memory > maximumScryptMemory) throw tooDear(place, `${Math.ceil(memory / 1048576)} MiB of memory`)
  if (memory * parallelism > 8 * maximumScryptMemory) throw tooDear(place, 'a scrypt of too high a cost')
  return { salt, derivation: { kind: 'scrypt', cost, blockSize, parallelism } }
}

/** The EncryptionAlgorithmIdentifier. Throws `KeyFormatError` for what is not supported or would take too long. */
export const readEncryption = (der: DerReader, place: Place): Encryption => {
  const { name, parameters } = algorithmOf(der)
  if (name !== pbes2)
    throw unsupported(place, `is encrypted in a way (${name}) that is not supported. Rewrite it: openssl pkcs8 -topk8 -v2 aes-256-cbc`)
  const fields = parameters.sequence()
  const kdf = algorithmOf(fields)
  const scheme = algorithmOf(fields)
  fields.finish()
  const by = ciphers.get(scheme.name)
  if (by === undefined) throw unsupported(place, `is encrypted with a cipher (${scheme.name}) that is not supported`)
  const iv = scheme.parameters.octetString()
  if (iv.length !== by.blockBytes) throw malformed(place, 'the first vector of its cipher has a wrong length')
  const readers: Record<string, typeof readPbkdf2> = { [pbkdf2]: readPbkdf2, [scrypt]: readScrypt }
  if (!(kdf.name in readers)) throw unsupported(place, `makes its key in a way (${kdf.name}) that is not supported`)
  const { salt, derivation } = readers[kdf.name](kdf.parameters.sequence(), place, by.keyBytes)
  if (salt.length > maximumSaltBytes) throw unsupported(place, `has a salt of ${salt.length} bytes, more than is reasonable`)
  return { by, iv, salt, derivation }
}

const keyOf = (crypto: CryptoProvider, { by, salt, derivation }: Encryption, passphrase: Uint8Array): Promise<Uint8Array> =>
  crypto.derive(derivation, passphrase, salt, by.keyBytes)

/** `undefined` when the passphrase is wrong, as far as the padding tells. */
export const decrypted = async (crypto: CryptoProvider, how: Encryption, passphrase: Uint8Array, sealed: Uint8Array) => {
  const key = await keyOf(crypto, how, passphrase)
  const opened = openCbc(crypto, how.by, key, how.iv, sealed)
  key.fill(0)
  return opened
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3) with AES-256-CBC and PBKDF2 over HMAC-SHA-256. */
export const encrypted = async (crypto: CryptoProvider, content: Uint8Array, passphrase: Uint8Array, iterations: number) => {
  const [salt, iv] = [new Uint8Array(16), new Uint8Array(16)]
  crypto.random(salt)
  crypto.random(iv)
  const by = cbcCiphers.aes256
  const key = await keyOf(crypto, { by, iv, salt, derivation: { kind: 'pbkdf2', hash: 'sha256', iterations } }, passphrase)
  const sealed = sealCbc(crypto, by, key, iv, content)
  key.fill(0)
  const count = Uint8Array.of(iterations >>> 24, iterations >>> 16, iterations >>> 8, iterations)
  const costs = sequence(octetString(salt), integer(count), sequence(objectName(hmacSha256), nothing))
  const how = sequence(objectName(pbes2), sequence(sequence(objectName(pbkdf2), costs), sequence(objectName(aes256Cbc), octetString(iv))))
  return sequence(how, octetString(sealed))
}

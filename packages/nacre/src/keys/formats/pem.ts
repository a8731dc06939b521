// Owns private keys as OpenSSL wrote them of old: PKCS#1, SEC1 and DSA in PEM, open or encrypted by its headers (RFC 1421
// §4.6, and a key made with a single MD5 for each 16 bytes). Knows nothing of SSH's own formats.
import type { CryptoProvider, PrivateKeyNumbers } from '../../crypto/provider.ts'
import { escapeForPeople } from '../../errors.ts'
import type { PrivateKey } from '../private.ts'
import { armour, armoured, type Armoured, hasArmour } from './armour.ts'
import { checkedKey, pkcs1Of, readDsa, readPkcs1, readSec1, sec1Of } from './asn1-private.ts'
import { type CbcCipher, cbcCiphers, openCbc, sealCbc } from './cbc.ts'
import { DerReader, isOneSequence } from './der.ts'
import {
  chosenPassphrase,
  type KeyFormat,
  type KeyWriter,
  malformed,
  noFormFor,
  passphraseWrong,
  type Place,
  read,
  unsupported,
} from './format.ts'
import { fromHex, toHex } from './hex.ts'

type Parse = (crypto: CryptoProvider, der: DerReader) => PrivateKeyNumbers

const ciphers: ReadonlyMap<string, CbcCipher> = new Map<string, CbcCipher>([
  ['AES-128-CBC', cbcCiphers.aes128],
  ['AES-192-CBC', cbcCiphers.aes192],
  ['AES-256-CBC', cbcCiphers.aes256],
  ['DES-EDE3-CBC', cbcCiphers.tripleDes],
])

/** The key to a file: MD5 of all before it, the passphrase and the first 8 bytes of the vector, as often as it takes. */
const legacyKey = (crypto: CryptoProvider, passphrase: Uint8Array, iv: Uint8Array, size: number): Uint8Array => {
  const key = new Uint8Array(size)
  let last = new Uint8Array(0)
  for (let at = 0; at < size; at += last.length) {
    last = new Uint8Array(crypto.hash('md5', last, passphrase, iv.subarray(0, 8)))
    key.set(last.subarray(0, size - at), at)
  }
  return key
}

const parsed = (crypto: CryptoProvider, bytes: Uint8Array, parse: Parse): PrivateKey => {
  const der = new DerReader(bytes)
  const key = checkedKey(parse(crypto, der))
  der.finish()
  return key
}

/** The cipher and the first vector that the headers name. */
const sealedBy = ({ headers, bytes }: Armoured, place: Place): { readonly by: CbcCipher; readonly iv: Uint8Array } => {
  const [name, hex = ''] = (headers.get('DEK-Info') ?? '').split(',')
  if (name === '') throw malformed(place, 'it is encrypted and does not say how (DEK-Info)')
  const by = ciphers.get(name)
  if (by === undefined) throw unsupported(place, `is encrypted with ${escapeForPeople(name, { limit: 64 })}, which is not supported`)
  const iv = fromHex(hex.trim())
  if (iv?.length !== by.blockBytes) throw malformed(place, `its DEK-Info has no vector of ${by.blockBytes} bytes`)
  if (bytes.length % by.blockBytes !== 0) throw malformed(place, `it is cut off: its length is none that ${name} can make`)
  return { by, iv }
}

const pem = (label: string, name: string, parse: Parse): KeyFormat => ({
  name,
  recognises: text => hasArmour(text, label),
  read: (crypto, text, path) => {
    const place: Place = { path, format: name }
    const file = armoured(text, label, place)
    if (!file.headers.get('Proc-Type')?.includes('ENCRYPTED')) return read(place, () => parsed(crypto, file.bytes, parse))
    const { by, iv } = sealedBy(file, place)
    const unlock = (passphrase: Uint8Array): PrivateKey => {
      const key = legacyKey(crypto, passphrase, iv, by.keyBytes)
      const opened = openCbc(crypto, by, key, iv, file.bytes)
      key.fill(0)
      if (opened === undefined || !isOneSequence(opened)) throw passphraseWrong(place)
      try {
        return read(place, () => parsed(crypto, opened, parse))
      } finally {
        opened.fill(0)
      }
    }
    return { publicKey: undefined, unlock: async passphrase => unlock(passphrase) }
  },
  publicPart: () => undefined,
})

export const pkcs1Format = pem('RSA PRIVATE KEY', 'PEM (PKCS#1)', (_crypto, der) => readPkcs1(der))
export const sec1Format = pem('EC PRIVATE KEY', 'PEM (SEC1)', readSec1)
export const dsaFormat = pem('DSA PRIVATE KEY', 'PEM (DSA)', (_crypto, der) => readDsa(der))

const contentOf = (key: PrivateKey): { readonly label: string; readonly der: Uint8Array } => {
  const numbers = key.revealNumbers()
  if (numbers.kind === 'rsa') return { label: 'RSA PRIVATE KEY', der: pkcs1Of(numbers) }
  if (numbers.kind === 'ecdsa') return { label: 'EC PRIVATE KEY', der: sec1Of(numbers, true) }
  throw noFormFor(key, 'PEM', 'Write it in OpenSSH or PKCS#8 form.')
}

/** Encrypted with AES-128-CBC, as ssh-keygen does. One MD5 is all that slows a guess: PKCS#8 and OpenSSH are for secrets. */
export const writePem: KeyWriter = async (crypto, key, options) => {
  const secret = chosenPassphrase(options)
  const { label, der } = contentOf(key)
  try {
    if (secret === undefined) return armour(label, der, 64)
    const iv = new Uint8Array(16)
    crypto.random(iv)
    const by = cbcCiphers.aes128
    const sealing = legacyKey(crypto, secret, iv, by.keyBytes)
    const sealed = sealCbc(crypto, by, sealing, iv, der)
    sealing.fill(0)
    return armour(label, sealed, 64, ['Proc-Type: 4,ENCRYPTED', `DEK-Info: AES-128-CBC,${toHex(iv).toUpperCase()}`])
  } finally {
    der.fill(0)
    secret?.fill(0)
  }
}

// Owns PKCS#8 files (RFC 5958), open and encrypted. Knows nothing of how a key stands in ASN.1 or how it is encrypted: that is
// beside it.
import type { CryptoProvider } from '../../crypto/provider.ts'
import type { PrivateKey } from '../private.ts'
import { armour, armoured, hasArmour } from './armour.ts'
import { checkedKey, pkcs8Of, readPkcs8 } from './asn1-private.ts'
import { DerReader, isOneSequence } from './der.ts'
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
} from './format.ts'
import { decrypted, encrypted, maximumIterations, readEncryption } from './pbes2.ts'

const openLabel = 'PRIVATE KEY'
const lockedLabel = 'ENCRYPTED PRIVATE KEY'
const name = 'PKCS#8'
const lockedName = 'encrypted PKCS#8'

const keyOf = (crypto: CryptoProvider, bytes: Uint8Array, place: Place): PrivateKey =>
  read(place, () => {
    const der = new DerReader(bytes)
    const key = checkedKey(readPkcs8(crypto, der))
    der.finish()
    return key
  })

export const pkcs8Format: KeyFormat = {
  name,
  recognises: text => hasArmour(text, openLabel),
  read: (crypto, text, path) => {
    const place: Place = { path, format: name }
    return keyOf(crypto, armoured(text, openLabel, place).bytes, place)
  },
  publicPart: () => undefined,
}

export const encryptedPkcs8Format: KeyFormat = {
  name: lockedName,
  recognises: text => hasArmour(text, lockedLabel),
  read: (crypto, text, path) => {
    const place: Place = { path, format: lockedName }
    const { bytes } = armoured(text, lockedLabel, place)
    const { how, sealed } = read(place, () => {
      const der = new DerReader(bytes)
      const fields = der.sequence()
      der.finish()
      const how = readEncryption(fields, place)
      const sealed = fields.octetString()
      fields.finish()
      return { how, sealed }
    })
    if (sealed.length === 0 || sealed.length % how.by.blockBytes !== 0)
      throw malformed(place, 'its encrypted part has a length that its cipher cannot make')
    const unlock = async (passphrase: Uint8Array): Promise<PrivateKey> => {
      const opened = await decrypted(crypto, how, passphrase, sealed)
      if (opened === undefined || !isOneSequence(opened)) throw passphraseWrong(place)
      try {
        return keyOf(crypto, opened, place)
      } finally {
        opened.fill(0)
      }
    }
    return { publicKey: undefined, unlock }
  },
  publicPart: () => undefined,
}

/** What OWASP asks of PBKDF2 with SHA-256; some tenths of a second. */
const defaultIterations = 600_000

export const writePkcs8: KeyWriter = async (crypto, key, options) => {
  const iterations = chosenCost(options.rounds ?? defaultIterations, 1, maximumIterations, 'iterations')
  const content = pkcs8Of(key.revealNumbers())
  if (content === undefined) throw noFormFor(key, name, 'Write it in OpenSSH form.')
  const secret = chosenPassphrase(options)
  try {
    if (secret === undefined) return armour(openLabel, content, 64)
    return armour(lockedLabel, await encrypted(crypto, content, secret, iterations), 64)
  } finally {
    content.fill(0)
    secret?.fill(0)
  }
}

// Owns public keys in PEM: PKCS#1 for RSA, and SubjectPublicKeyInfo for all that OpenSSL knows. Knows nothing of private ones.
import type { PlainPublicNumbers } from '../../crypto/provider.ts'
import type { PublicKey } from '../public.ts'
import { armour, armoured, hasArmour } from './armour.ts'
import { plainPublicKey, publicPkcs1Of, readPublicPkcs1, readSpki, spkiOf } from './asn1-public.ts'
import { DerReader } from './der.ts'
import { type Place, read } from './format.ts'
import type { PublicKeyFormat } from './public-format.ts'

const pem = (label: string, name: string, parse: (der: DerReader) => PlainPublicNumbers): Omit<PublicKeyFormat, 'write'> => ({
  name,
  recognises: text => hasArmour(text, label),
  read: (text, path) => {
    const place: Place = { path, format: name, isPublic: true }
    const keys: PublicKey[] = []
    for (let at = 0; text.includes(`-----BEGIN ${label}-----`, at);) {
      const { bytes, end } = armoured(text, label, place, at)
      const key = read(place, () => {
        const der = new DerReader(bytes)
        const numbers = parse(der)
        der.finish()
        return plainPublicKey(numbers)
      })
      keys.push(key)
      at = end
    }
    return keys
  },
})

const spkiText = (key: PublicKey): string | undefined => {
  const der = key.numbers === undefined ? undefined : spkiOf(key.numbers)
  return der === undefined ? undefined : armour('PUBLIC KEY', der, 64)
}

/** As ssh-keygen -m PEM: PKCS#1 for RSA, and what OpenSSL has for the others. */
export const publicPkcs1Format: PublicKeyFormat = {
  ...pem('RSA PUBLIC KEY', 'PEM (PKCS#1)', readPublicPkcs1),
  write: key => (key.numbers?.kind === 'rsa' ? armour('RSA PUBLIC KEY', publicPkcs1Of(key.numbers), 64) : spkiText(key)),
}

export const spkiFormat: PublicKeyFormat = { ...pem('PUBLIC KEY', 'PEM (SPKI)', readSpki), write: spkiText }

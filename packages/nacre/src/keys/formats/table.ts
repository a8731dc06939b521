// Owns the lists of key formats: the private ones that are read, those we only know by name, to say what to do about them, the
// public ones, and what can be written. Adding a format is its file and a row here.
import { type KeyFormat, type KeyWriter, type Place, unsupported } from './format.ts'
import { jwkFormat, readPublicJwk, recognisesJwk, writeJwk, writePublicJwk } from './jwk.ts'
import { opensshFormat, writeOpenssh } from './openssh.ts'
import { dsaFormat, pkcs1Format, sec1Format, writePem } from './pem.ts'
import { encryptedPkcs8Format, pkcs8Format, writePkcs8 } from './pkcs8.ts'
import { ppkFormat, writePpk2, writePpk3 } from './ppk.ts'
import type { PublicKeyFormat } from './public-format.ts'
import { publicLinesFormat } from './public-lines.ts'
import { publicPkcs1Format, spkiFormat } from './public-pem.ts'
import { rfc4716Format } from './rfc4716.ts'

/** A format that is recognised and refused. */
const refused = (name: string, recognises: (text: string) => boolean, advice: string): KeyFormat => ({
  name,
  recognises,
  read: (_crypto, _text, path) => {
    const place: Place = { path, format: name }
    throw unsupported(place, `is not read. ${advice}`)
  },
  publicPart: () => undefined,
})

const publicFormats = [
  rfc4716Format,
  publicPkcs1Format,
  spkiFormat,
  { name: 'JWK', recognises: recognisesJwk, read: readPublicJwk, write: writePublicJwk },
  publicLinesFormat,
] as const satisfies readonly PublicKeyFormat[]

const isPublic = (text: string): boolean =>
  text.includes('-----BEGIN CERTIFICATE-----') || publicFormats.some(format => format.recognises(text))

export const keyFormats: readonly KeyFormat[] = [
  opensshFormat,
  pkcs1Format,
  sec1Format,
  dsaFormat,
  pkcs8Format,
  encryptedPkcs8Format,
  ppkFormat,
  jwkFormat,
  refused('ssh.com', text => text.includes('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----'), 'Convert it: ssh-keygen -i -f <file>'),
  refused('SSH 1', text => text.startsWith('SSH PRIVATE KEY FILE FORMAT 1.1'), 'Make a new key: ssh-keygen -t ed25519'),
  refused('public key', isPublic, 'Name the private key instead: most often the same file without .pub'),
]

/** By the names `writePrivateKey` takes. */
export const keyWriters = {
  openssh: writeOpenssh,
  pem: writePem,
  pkcs8: writePkcs8,
  ppk: writePpk3,
  ppk2: writePpk2,
  jwk: writeJwk,
} as const satisfies Record<string, KeyWriter>

/** How a private key file may be written: OpenSSH's own, PKCS#1 or SEC1, PKCS#8, PuTTY 3, PuTTY 2, JWK. */
export type KeyFileFormat = keyof typeof keyWriters

export const publicKeyFormats: readonly PublicKeyFormat[] = publicFormats

/** By the names `writePublicKey` takes. */
export const publicKeyWriters = {
  openssh: publicLinesFormat.write,
  rfc4716: rfc4716Format.write,
  pem: publicPkcs1Format.write,
  pkcs8: spkiFormat.write,
  jwk: writePublicJwk,
} as const

/** How a public key may be written: a line, RFC 4716, PKCS#1 (SPKI for all but RSA), SPKI, JWK. */
export type PublicKeyFileFormat = keyof typeof publicKeyWriters

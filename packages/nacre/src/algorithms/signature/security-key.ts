// Owns keys that lie in a security key (OpenSSH's PROTOCOL.u2f): sk-ssh-ed25519 and sk-ecdsa-sha2-nistp256, their blobs,
// their files, and their signatures, also those a browser makes (webauthn-sk-…). Knows nothing of tokens, and whether a
// touch is needed is decided by who asked for the proof.
import { WireError } from '../../errors.ts'
import type { CryptoProvider, PrivateKeyNumbers, PublicKeyNumbers, TokenHandle } from '../../crypto/provider.ts'
import { type Codec, bytes, text } from '../../wire/codec.ts'
import type { Reader } from '../../wire/reader.ts'
import type { Writer } from '../../wire/writer.ts'
import type { KeyType, OpenedKey, SecurityKeyProof, SignatureAlgorithm } from '../rows.ts'
import { nistp256Point, nistp256Signature } from './ecdsa.ts'
import { exactly } from './ed25519.ts'
import { ofKind } from './plain.ts'

/** Bits of the flags in signatures and in key files. */
const securityKeyFlags = { userPresent: 0x01, userVerified: 0x04, resident: 0x20, attested: 0x40, extended: 0x80 } as const

type SkEd25519 = Extract<PublicKeyNumbers, { kind: 'sk-ed25519' }>
type SkEcdsa = Extract<PublicKeyNumbers, { kind: 'sk-ecdsa' }>

/** What the token was told its key is for; its hash is part of all that is signed. */
const readApplication = (reader: Reader): string => {
  const application = text.read(reader)
  if (application.includes('\0')) throw new WireError('a security key whose application has a zero byte in it')
  return application
}

const readHandle = (reader: Reader): TokenHandle => ({ flags: reader.byte(), keyHandle: bytes.read(reader), reserved: bytes.read(reader) })

const writeHandle = (writer: Writer, { flags, keyHandle, reserved }: TokenHandle): void => {
  writer.byte(flags)
  bytes.write(writer, keyHandle)
  bytes.write(writer, reserved)
}

const edFields: Codec<SkEd25519> = {
  read: reader => ({
    kind: 'sk-ed25519',
    publicKey: exactly(reader.string(), 32, 'an ed25519 public key'),
    application: readApplication(reader),
  }),
  write: (writer, { publicKey, application }) => {
    bytes.write(writer, publicKey)
    text.write(writer, application)
  },
}

const ecFields: Codec<SkEcdsa> = {
  read: reader => ({ kind: 'sk-ecdsa', point: nistp256Point.read(reader), application: readApplication(reader) }),
  write: (writer, { point, application }) => {
    nistp256Point.write(writer, point)
    text.write(writer, application)
  },
}

/** PROTOCOL.u2f: behind the public fields stand flags, key handle and a string that is empty for now. */
const columns = <const K extends 'sk-ed25519' | 'sk-ecdsa'>(
  kind: K,
  fields: Codec<Extract<PublicKeyNumbers, { kind: K }>>,
): Pick<KeyType, 'publicFields' | 'privateFields' | 'signingKey' | 'bits' | 'sizes' | 'generate'> => ({
  publicFields: { read: fields.read, write: (writer, value) => fields.write(writer, ofKind(value, kind)) },
  privateFields: {
    read: reader => ({ ...fields.read(reader), ...readHandle(reader) }) as PrivateKeyNumbers,
    write: (writer, value) => {
      const numbers = ofKind(value, kind) as unknown as Extract<PublicKeyNumbers, { kind: K }> & TokenHandle
      fields.write(writer, numbers)
      writeHandle(writer, numbers)
    },
  },
  signingKey: undefined,
  bits: () => 256,
  sizes: undefined,
  generate: undefined,
})

export const skEd25519Key: KeyType<'sk-ssh-ed25519@openssh.com'> = {
  name: 'sk-ssh-ed25519@openssh.com',
  shortName: 'ED25519-SK',
  ...columns('sk-ed25519', edFields),
  verifyKey: (crypto, numbers) => crypto.verifyKey({ kind: 'ed25519', publicKey: ofKind(numbers, 'sk-ed25519').publicKey }),
}

export const skEcdsaNistp256Key: KeyType<'sk-ecdsa-sha2-nistp256@openssh.com'> = {
  name: 'sk-ecdsa-sha2-nistp256@openssh.com',
  shortName: 'ECDSA-SK',
  ...columns('sk-ecdsa', ecFields),
  verifyKey: (crypto, numbers) => crypto.verifyKey({ kind: 'ecdsa', curve: 'nistp256', point: ofKind(numbers, 'sk-ecdsa').point }),
}

const utf8 = new TextEncoder()
const nothing = new Uint8Array(0)

/** What a token signs: hash of the application, flags, counter, extensions of the token, hash of the message. */
const signedByToken = (
  crypto: CryptoProvider,
  application: string,
  { flags, counter, extensions }: { flags: number; counter: number; extensions: Uint8Array },
  message: Uint8Array,
): Uint8Array => {
  const signed = new Uint8Array(32 + 5 + extensions.length + 32)
  signed.set(crypto.hash('sha256', utf8.encode(application)))
  signed[32] = flags
  new DataView(signed.buffer).setUint32(33, counter)
  signed.set(extensions, 37)
  signed.set(crypto.hash('sha256', message), 37 + extensions.length)
  return signed
}

const proofOf = (flags: number, counter: number, origin: string | undefined): SecurityKeyProof => ({
  flags,
  userPresent: (flags & securityKeyFlags.userPresent) !== 0,
  userVerified: (flags & securityKeyFlags.userVerified) !== 0,
  counter,
  origin,
})

const applicationOf = ({ numbers }: OpenedKey): string => {
  if (numbers.kind !== 'sk-ed25519' && numbers.kind !== 'sk-ecdsa')
    throw new WireError(`a security key's signature with a key of kind ${numbers.kind}`)
  return numbers.application
}

/** How a token's own signature is verified: behind it stand flags and counter (PROTOCOL.u2f, "SSH U2F Signatures"). */
const verifiedBy =
  (hash: 'sha256' | undefined, rawOf: (signature: Uint8Array) => Uint8Array): SignatureAlgorithm['verify'] =>
  (crypto, key, data, signature, behind) => {
    const flags = behind.byte()
    const counter = behind.uint32()
    behind.finish()
    const raw = rawOf(signature)
    const signed = signedByToken(crypto, applicationOf(key), { flags, counter, extensions: nothing }, data)
    return key.verifier.verify(hash, signed, raw) ? { securityKey: proofOf(flags, counter, undefined) } : undefined
  }

/** PROTOCOL.u2f, "SSH U2F Signatures", Ed25519. */
export const skEd25519: SignatureAlgorithm<'sk-ssh-ed25519@openssh.com'> = {
  name: 'sk-ssh-ed25519@openssh.com',
  standing: 'default',
  keyType: 'sk-ssh-ed25519@openssh.com',
  verify: verifiedBy(undefined, signature => exactly(signature, 64, 'an ed25519 signature')),
  sign: undefined,
}

/** PROTOCOL.u2f, "SSH U2F Signatures", ECDSA. */
export const skEcdsaNistp256: SignatureAlgorithm<'sk-ecdsa-sha2-nistp256@openssh.com'> = {
  name: 'sk-ecdsa-sha2-nistp256@openssh.com',
  standing: 'default',
  keyType: 'sk-ecdsa-sha2-nistp256@openssh.com',
  verify: verifiedBy('sha256', nistp256Signature),
  sign: undefined,
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

const encodeBase64url = (input: Uint8Array): string => {
  let encoded = ''
  for (let at = 0; at < input.length; at += 3) {
    const left = Math.min(3, input.length - at)
    const group = (input[at] << 16) | ((input[at + 1] ?? 0) << 8) | (input[at + 2] ?? 0)
    for (let digit = 0; digit <= left; digit++) encoded += base64url[(group >> (18 - 6 * digit)) & 63]
  }
  return encoded
}

const beginsWith = (whole: Uint8Array, start: Uint8Array): boolean =>
  whole.length >= start.length && start.every((byte, at) => byte === whole[at])

/**
 * PROTOCOL.u2f, "SSH WebAuthn Signatures": a browser does not sign what it is given but a description of it, which names the
 * page that asked. It must begin as OpenSSH expects it: as a "get" of just this data for just this origin.
 */
export const webauthnSkEcdsaNistp256: SignatureAlgorithm<'webauthn-sk-ecdsa-sha2-nistp256@openssh.com'> = {
  name: 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com',
  standing: 'default',
  keyType: 'sk-ecdsa-sha2-nistp256@openssh.com',
  verify(crypto, key, data, signature, behind) {
    const flags = behind.byte()
    const counter = behind.uint32()
    const origin = behind.text()
    const clientData = behind.string()
    const extensions = behind.string()
    behind.finish()
    const raw = nistp256Signature(signature)
    // A quote in the origin could say something else about the rest of the description.
    if (origin.includes('"') || origin.includes('\0')) throw new WireError('a WebAuthn signature with an origin that is none')
    if ((flags & securityKeyFlags.attested) !== 0) throw new WireError('a WebAuthn signature with the data of a registration')
    if (((flags & securityKeyFlags.extended) !== 0) !== extensions.length > 0)
      throw new WireError('a WebAuthn signature whose flags and extensions differ')
    const expected = `{"type":"webauthn.get","challenge":"${encodeBase64url(data)}","origin":"${origin}"`
    if (!beginsWith(clientData, utf8.encode(expected))) return undefined
    const signed = signedByToken(crypto, applicationOf(key), { flags, counter, extensions }, clientData)
    return key.verifier.verify('sha256', signed, raw) ? { securityKey: proofOf(flags, counter, origin) } : undefined
  },
  sign: undefined,
}

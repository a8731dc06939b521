// Owns ssh-ed25519: its key blob, its private fields and its signature blob (RFC 8709). Knows nothing of the arithmetic,
// which is the crypto provider's.
import { WireError } from '../../errors.ts'
import type { PrivateKeyNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { type Codec, bytes } from '../../wire/codec.ts'
import type { KeyType } from '../rows.ts'
import { ofKind, type PlainSignature, plainSignature } from './plain.ts'

export const exactly = (value: Uint8Array, size: number, what: string): Uint8Array => {
  if (value.length !== size) throw new WireError(`${what} of ${value.length} bytes, ${size} belong there`)
  return value
}

/** RFC 8709 §4: `string` key of 32 bytes. */
const publicFields: Codec<PublicKeyNumbers> = {
  read: reader => ({ kind: 'ed25519', publicKey: exactly(reader.string(), 32, 'an ed25519 public key') }),
  write: (writer, value) => bytes.write(writer, ofKind(value, 'ed25519').publicKey),
}

/** RFC 9987 §3.2.3 and the OpenSSH key file: `string` public key, `string` seed and public key again. */
const privateFields: Codec<PrivateKeyNumbers> = {
  read: reader => {
    const publicKey = exactly(reader.string(), 32, 'an ed25519 public key')
    const both = exactly(reader.string(), 64, 'an ed25519 private key')
    for (let i = 0; i < 32; i++)
      if (both[32 + i] !== publicKey[i]) throw new WireError('an ed25519 private key whose two public halves differ')
    return { kind: 'ed25519', publicKey, seed: both.subarray(0, 32) }
  },
  write: (writer, value) => {
    const { publicKey, seed } = ofKind(value, 'ed25519')
    bytes.write(writer, publicKey)
    writer.uint32(64)
    writer.fixed(seed)
    writer.fixed(publicKey)
  },
}

export const ed25519Key: KeyType<'ssh-ed25519'> = {
  name: 'ssh-ed25519',
  shortName: 'ED25519',
  publicFields,
  privateFields,
  bits: () => 256,
  sizes: undefined,
  generate: crypto => crypto.generateKey({ kind: 'ed25519' }),
  verifyKey: (crypto, numbers) => crypto.verifyKey(ofKind(numbers, 'ed25519')),
  signingKey: (crypto, numbers) => crypto.signingKey(ofKind(numbers, 'ed25519')),
}

/** RFC 8709 §6. */
export const ed25519: PlainSignature<'ssh-ed25519'> = plainSignature({
  name: 'ssh-ed25519',
  standing: 'default',
  keyType: 'ssh-ed25519',
  hash: undefined,
  decodeSignature: blob => exactly(blob, 64, 'an ed25519 signature'),
  encodeSignature: raw => raw,
})

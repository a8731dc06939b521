// Owns ssh-mldsa44-ed25519@openssh.com (draft-miller-sshm-mldsa44-ed25519-composite-sigs): its blobs, and the composite of
// draft-ietf-lamps-pq-composite-sigs it is made of: both signatures must be right. Knows nothing of the arithmetic.
import type { CryptoProvider, PrivateKeyNumbers, PublicKeyNumbers, SigningKey, VerifyKey } from '../../crypto/provider.ts'
import { type Codec, bytes } from '../../wire/codec.ts'
import type { KeyType } from '../rows.ts'
import { exactly } from './ed25519.ts'
import { ofKind, type PlainSignature, plainSignature } from './plain.ts'

const mldsaKeyBytes = 1312
const keyBytes = mldsaKeyBytes + 32
const mldsaSignatureBytes = 2420
const signatureBytes = mldsaSignatureBytes + 64

const readPublic = (key: Uint8Array): Uint8Array => exactly(key, keyBytes, 'an ML-DSA-44 and Ed25519 public key')

const publicFields: Codec<PublicKeyNumbers> = {
  read: reader => ({ kind: 'mldsa44-ed25519', publicKey: readPublic(reader.string()) }),
  write: (writer, value) => bytes.write(writer, ofKind(value, 'mldsa44-ed25519').publicKey),
}

/** `string` public key, `string` the two seeds. */
const privateFields: Codec<PrivateKeyNumbers> = {
  read: reader => ({
    kind: 'mldsa44-ed25519',
    publicKey: readPublic(reader.string()),
    seeds: exactly(reader.string(), 64, 'the seeds of an ML-DSA-44 and Ed25519 key'),
  }),
  write: (writer, value) => {
    const { publicKey, seeds } = ofKind(value, 'mldsa44-ed25519')
    bytes.write(writer, publicKey)
    bytes.write(writer, seeds)
  },
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))
const label = ascii('COMPSIG-MLDSA44-Ed25519-SHA512')
/** What stands before the hash: prefix, label, and the length of a context of the application's, which SSH leaves empty. */
const before = Uint8Array.of(...ascii('CompositeAlgorithmSignatures2025'), ...label, 0)

/** What both halves sign instead of the message. */
const representative = (crypto: CryptoProvider, message: Uint8Array): Uint8Array => {
  const whole = new Uint8Array(before.length + 64)
  whole.set(before)
  whole.set(crypto.hash('sha512', message), before.length)
  return whole
}

const verifyKey = (crypto: CryptoProvider, numbers: PublicKeyNumbers): VerifyKey => {
  const { publicKey } = ofKind(numbers, 'mldsa44-ed25519')
  const lattice = crypto.verifyKey({ kind: 'ml-dsa-44', publicKey: publicKey.subarray(0, mldsaKeyBytes), context: label })
  const curve = crypto.verifyKey({ kind: 'ed25519', publicKey: publicKey.subarray(mldsaKeyBytes) })
  return {
    verify(hash, data, signature) {
      const message = representative(crypto, data)
      return (
        curve.verify(hash, message, signature.subarray(mldsaSignatureBytes)) &&
        lattice.verify(hash, message, signature.subarray(0, mldsaSignatureBytes))
      )
    },
  }
}

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}

const generate = async (crypto: CryptoProvider): Promise<PrivateKeyNumbers> => {
  const lattice = crypto.generateMldsa44()
  const curve = ofKind(await crypto.generateKey({ kind: 'ed25519' }), 'ed25519')
  return { kind: 'mldsa44-ed25519', publicKey: joined(lattice.publicKey, curve.publicKey), seeds: joined(lattice.seed, curve.seed) }
}

const signingKey = (crypto: CryptoProvider, numbers: PrivateKeyNumbers): SigningKey => {
  const { publicKey, seeds } = ofKind(numbers, 'mldsa44-ed25519')
  const lattice = crypto.signingKey({ kind: 'ml-dsa-44', seed: seeds.subarray(0, 32), context: label })
  const curve = crypto.signingKey({ kind: 'ed25519', publicKey: publicKey.subarray(mldsaKeyBytes), seed: seeds.subarray(32) })
  return {
    sign(hash, data) {
      const message = representative(crypto, data)
      const [first, second] = [lattice.sign(hash, message), curve.sign(hash, message)]
      return first instanceof Uint8Array && second instanceof Uint8Array
        ? joined(first, second)
        : Promise.all([first, second]).then(halves => joined(...halves))
    },
  }
}

export const mldsa44Ed25519Key: KeyType<'ssh-mldsa44-ed25519@openssh.com'> = {
  name: 'ssh-mldsa44-ed25519@openssh.com',
  shortName: 'MLDSA44-ED25519',
  publicFields,
  privateFields,
  bits: () => 256,
  sizes: undefined,
  generate,
  verifyKey,
  signingKey,
}

/** Not offered unless asked for, as in OpenSSH: the draft is young. */
export const mldsa44Ed25519: PlainSignature<'ssh-mldsa44-ed25519@openssh.com'> = plainSignature({
  name: 'ssh-mldsa44-ed25519@openssh.com',
  standing: 'offered-on-request',
  keyType: 'ssh-mldsa44-ed25519@openssh.com',
  hash: undefined,
  decodeSignature: blob => exactly(blob, signatureBytes, 'an ML-DSA-44 and Ed25519 signature'),
  encodeSignature: raw => raw,
})

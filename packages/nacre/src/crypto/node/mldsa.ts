// Owns ML-DSA-44 (FIPS 204) over node:crypto, and whether this Node has it, contexts included: 24.8 and later, with OpenSSL
// 3.5. Knows nothing of what is signed.
import { createPublicKey, generateKeyPairSync, type KeyObject, randomFillSync, sign, verify } from 'node:crypto'
import { KeyFormatError } from '../../errors.ts'
import { identifier, privateKeyInfo, publicKeyInfo } from '../der.ts'
import { sized } from '../magnitude.ts'
import type { SigningKey, SigningNumbers, VerifiableNumbers, VerifyKey } from '../provider.ts'
import { plain, privateKeyFromDer, publicKeyFromDer, rawPublicKey } from './plain.ts'

// RFC 9881 §2.
const algorithm = [identifier('608648016503040311')]

// The types of this Node's declarations may be younger or older than the Node that runs.
interface WithContext {
  readonly key: KeyObject
  readonly context: Uint8Array
}

let probed: boolean | undefined

/** A Node that does not know contexts would drop them, and with them what tells our signatures from others. */
const isThere = (): boolean => {
  if (probed !== undefined) return probed
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ml-dsa-44')
    const message = Uint8Array.of(1)
    const signature = sign(null, message, { key: privateKey, context: message } as WithContext)
    probed =
      verify(null, message, { key: publicKey, context: message } as WithContext, signature) && !verify(null, message, publicKey, signature)
  } catch {
    probed = false
  }
  return probed
}

const missing = (): KeyFormatError =>
  new KeyFormatError(
    'KEY_UNSUPPORTED',
    `Keys with ML-DSA cannot be used here: they need Node 24.8 or later with OpenSSL 3.5, and this is Node ${process.versions.node} with OpenSSL ${process.versions.openssl}.`,
  )

/** The PKCS #8 of a seed alone: [0] IMPLICIT OCTET STRING (RFC 9881 §6). */
const privateKey = (seed: Uint8Array): KeyObject =>
  privateKeyFromDer(privateKeyInfo(algorithm, Uint8Array.of(0x80, 32, ...sized(seed, 32, 'an ML-DSA-44 seed'))))

interface Mldsa44 {
  generate(): { publicKey: Uint8Array; seed: Uint8Array }
  verifyKey(numbers: Extract<VerifiableNumbers, { kind: 'ml-dsa-44' }>): VerifyKey
  signingKey(numbers: Extract<SigningNumbers, { kind: 'ml-dsa-44' }>): SigningKey
}

/** Each throws `KeyFormatError` KEY_UNSUPPORTED when `there` says that this Node has none. */
export const mldsa44On = (there: () => boolean): Mldsa44 => ({
  generate() {
    if (!there()) throw missing()
    const seed = new Uint8Array(32)
    randomFillSync(seed)
    return { publicKey: rawPublicKey(createPublicKey(privateKey(seed)), 1312), seed }
  },
  verifyKey({ publicKey, context }) {
    if (!there()) throw missing()
    const der = publicKeyInfo(algorithm, sized(publicKey, 1312, 'an ML-DSA-44 public key'))
    const key: WithContext = { key: publicKeyFromDer(der), context }
    return {
      verify(_hash, data, signature) {
        try {
          return verify(null, data, key, signature)
        } catch {
          return false
        }
      },
    }
  },
  signingKey({ seed, context }) {
    if (!there()) throw missing()
    const key: WithContext = { key: privateKey(seed), context }
    return { sign: (_hash, data) => plain(sign(null, data, key)) }
  },
})

export const mldsa44 = mldsa44On(isThere)

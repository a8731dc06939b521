// Owns working out the public half of a private number over node:crypto. Knows nothing of key files.
import { createECDH, createPublicKey } from 'node:crypto'
import { identifier, octetString, privateKeyInfo } from '../der.ts'
import type { PrivateHalf } from '../derivation.ts'
import { sized } from '../magnitude.ts'
import type { CurveName } from '../provider.ts'
import { plain, privateKeyFromDer, rawPublicKey } from './plain.ts'

const openSslNames: Record<CurveName, string> = { nistp256: 'prime256v1', nistp384: 'secp384r1', nistp521: 'secp521r1' }

export const publicHalf = (key: PrivateHalf): Uint8Array => {
  if (key.kind === 'ed25519') {
    const der = privateKeyInfo([identifier('2b6570')], octetString(sized(key.seed, 32, 'an Ed25519 seed')))
    return rawPublicKey(createPublicKey(privateKeyFromDer(der)), 32)
  }
  const side = createECDH(openSslNames[key.curve])
  try {
    side.setPrivateKey(key.scalar)
  } catch (cause) {
    throw new RangeError(`it is no private number of ${key.curve}`, { cause })
  }
  return plain(side.getPublicKey())
}

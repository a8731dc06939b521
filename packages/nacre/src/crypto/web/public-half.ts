// Owns working out the public half of a private number over @noble/curves. Knows nothing of key files.
import { ed25519 } from '@noble/curves/ed25519.js'
import type { PrivateHalf } from '../derivation.ts'
import { sized, widened } from '../magnitude.ts'
import { curves } from './curves.ts'

export const publicHalf = (key: PrivateHalf): Uint8Array => {
  if (key.kind === 'ed25519') return ed25519.getPublicKey(sized(key.seed, 32, 'an Ed25519 seed'))
  const { curve, fieldBytes } = curves[key.curve]
  try {
    return curve.getPublicKey(widened(key.scalar, fieldBytes), false)
  } catch (cause) {
    throw new RangeError(`it is no private number of ${key.curve}`, { cause })
  }
}

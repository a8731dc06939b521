// Owns the NIST curves by the names SSH gives them. Knows nothing of agreements and signatures.
import { p256, p384, p521 } from '@noble/curves/nist.js'
import { sized } from '../magnitude.ts'
import type { CurveName } from '../provider.ts'

/** `topMask` keeps a random first byte within the bits of the group's order. */
export const curves = {
  nistp256: { curve: p256, fieldBytes: 32, topMask: 0xff },
  nistp384: { curve: p384, fieldBytes: 48, topMask: 0xff },
  nistp521: { curve: p521, fieldBytes: 66, topMask: 0x01 },
} as const satisfies Record<CurveName, unknown>

/** Throws `RangeError` unless `point` is uncompressed and on the curve. */
export const checkedPoint = (name: CurveName, point: Uint8Array): Uint8Array => {
  const { curve, fieldBytes } = curves[name]
  sized(point, 1 + 2 * fieldBytes, `a point on ${name}`)
  if (point[0] !== 4) throw new RangeError(`a point on ${name} begins with 4, not ${point[0]}`)
  try {
    curve.Point.fromBytes(point).assertValidity()
  } catch (cause) {
    throw new RangeError(`it is not a point on ${name}`, { cause })
  }
  return point
}

// Owns the object names of key algorithms and curves, and the sizes that go with the curves. Knows nothing of keys.
import type { CurveName } from '../../crypto/provider.ts'
import { WireError } from '../../errors.ts'
import type { DerReader } from './der.ts'

/** RFC 8017 §C, RFC 5480 §2.1.1, RFC 8410 §3, RFC 3279 §2.3.2. */
export const algorithms = {
  rsa: '1.2.840.113549.1.1.1',
  ec: '1.2.840.10045.2.1',
  ed25519: '1.3.101.112',
  dsa: '1.2.840.10040.4.1',
} as const

/** RFC 5480 §2.1.1.1. */
export const curveNames: Record<CurveName, string> = {
  nistp256: '1.2.840.10045.3.1.7',
  nistp384: '1.3.132.0.34',
  nistp521: '1.3.132.0.35',
}

export const fieldBytes: Record<CurveName, number> = { nistp256: 32, nistp384: 48, nistp521: 66 }

const isCurve = (name: string): name is CurveName => name in fieldBytes

/** The curve whose name comes next. Throws `WireError` for one that SSH has not. */
export const namedCurve = (der: DerReader): CurveName => {
  const name = der.objectId()
  const found = Object.keys(curveNames).find(curve => isCurve(curve) && curveNames[curve] === name)
  if (found === undefined || !isCurve(found)) throw new WireError('a curve that SSH has no key type for')
  return found
}

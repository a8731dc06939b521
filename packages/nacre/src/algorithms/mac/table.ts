// Owns the order of the MACs we know: encrypt-then-MAC first, insecure last. Knows nothing of negotiation.
import {
  hmacSha1,
  hmacSha1Etm,
  hmacSha2256,
  hmacSha2256Etm,
  hmacSha2512,
  hmacSha2512Etm,
  insecureHmacMd5,
  insecureHmacMd596,
  insecureHmacMd596Etm,
  insecureHmacMd5Etm,
  insecureHmacSha196,
  insecureHmacSha196Etm,
} from './hmac.ts'
import { umac128, umac128Etm, umac64, umac64Etm } from './umac.ts'

export const macs = [
  hmacSha2256Etm,
  hmacSha2512Etm,
  umac128Etm,
  umac64Etm,
  hmacSha2256,
  hmacSha2512,
  umac128,
  umac64,
  hmacSha1Etm,
  hmacSha1,
  insecureHmacSha196Etm,
  insecureHmacSha196,
  insecureHmacMd5Etm,
  insecureHmacMd5,
  insecureHmacMd596Etm,
  insecureHmacMd596,
] as const

// Owns the absence of compression (RFC 4253 §6.2).
import type { Compression } from '../rows.ts'

const never = (): never => {
  throw new TypeError('compression "none" never starts')
}

export const none: Compression<'none'> = {
  name: 'none',
  standing: 'default',
  starts: 'never',
  createCompressor: never,
  createDecompressor: never,
}

// Owns AES in counter mode (RFC 4344 §4). Knows nothing of the MAC that must stand beside it.
import type { StreamCipherName } from '../../crypto/provider.ts'
import type { PlainCipher } from '../rows.ts'
import { aesRekeyBytes } from './limits.ts'

const aesCtr = <const N extends StreamCipherName>(name: N, keyBytes: number): PlainCipher<N> => ({
  name,
  standing: 'default',
  keyBytes,
  ivBytes: 16,
  blockBytes: 16,
  rekeyAfterBytes: aesRekeyBytes,
  integrity: 'mac',
  create: (crypto, key, iv, direction) => crypto.streamCipher(name, key, iv, direction),
})

export const aes128Ctr = aesCtr('aes128-ctr', 16)
export const aes192Ctr = aesCtr('aes192-ctr', 24)
export const aes256Ctr = aesCtr('aes256-ctr', 32)

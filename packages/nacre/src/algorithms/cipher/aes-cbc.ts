// Owns AES in CBC mode (RFC 4253 §6.3). Insecure: the IV of a packet is known before it is sent, and errors in the
// encrypted length can leak plaintext (CVE-2008-5161). For peers that know nothing else.
import type { StreamCipherName } from '../../crypto/provider.ts'
import type { PlainCipher } from '../rows.ts'
import { aesRekeyBytes } from './limits.ts'

const aesCbc = <const N extends StreamCipherName>(name: N, keyBytes: number): PlainCipher<N> => ({
  name,
  standing: 'insecure',
  keyBytes,
  ivBytes: 16,
  blockBytes: 16,
  rekeyAfterBytes: aesRekeyBytes,
  integrity: 'mac',
  create: (crypto, key, iv, direction) => crypto.streamCipher(name, key, iv, direction),
})

export const insecureAes128Cbc = aesCbc('aes128-cbc', 16)
export const insecureAes192Cbc = aesCbc('aes192-cbc', 24)
export const insecureAes256Cbc = aesCbc('aes256-cbc', 32)

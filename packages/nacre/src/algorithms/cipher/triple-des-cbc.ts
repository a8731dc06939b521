// Owns triple DES in CBC mode (RFC 4253 §6.3). Insecure: blocks of 64 bits repeat early (CVE-2016-2183), and the faults of
// CBC besides. For peers that know nothing else.
import type { PlainCipher } from '../rows.ts'
import { smallBlockRekeyBytes } from './limits.ts'

export const insecureTripleDesCbc: PlainCipher<'3des-cbc'> = {
  name: '3des-cbc',
  standing: 'insecure',
  keyBytes: 24,
  ivBytes: 8,
  blockBytes: 8,
  rekeyAfterBytes: smallBlockRekeyBytes,
  integrity: 'mac',
  create: (crypto, key, iv, direction) => crypto.streamCipher('3des-cbc', key, iv, direction),
}

// Owns the order of the ciphers we know. AES-GCM comes first because Node's OpenSSL has it in hardware; a provider without that
// wants ChaCha20 first. Knows nothing of negotiation.
import { insecureAes128Cbc, insecureAes192Cbc, insecureAes256Cbc } from './aes-cbc.ts'
import { aes128Ctr, aes192Ctr, aes256Ctr } from './aes-ctr.ts'
import { aes128Gcm, aes256Gcm } from './aes-gcm.ts'
import { chacha20Poly1305 } from './chacha20-poly1305.ts'
import { insecureTripleDesCbc } from './triple-des-cbc.ts'

export const ciphers = [
  aes128Gcm,
  aes256Gcm,
  chacha20Poly1305,
  aes128Ctr,
  aes192Ctr,
  aes256Ctr,
  insecureAes128Cbc,
  insecureAes192Cbc,
  insecureAes256Cbc,
  insecureTripleDesCbc,
] as const

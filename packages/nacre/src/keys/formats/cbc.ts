// Owns whole messages in CBC with PKCS#7's padding (RFC 5652 §6.3), as encrypted PEM and PKCS#8 files have them. Knows
// nothing of keys and passphrases.
import type { CryptoProvider, StreamCipherName } from '../../crypto/provider.ts'

export interface CbcCipher {
  readonly cipher: Extract<StreamCipherName, `${string}-cbc`>
  readonly keyBytes: number
  readonly blockBytes: number
}

export const cbcCiphers = {
  aes128: { cipher: 'aes128-cbc', keyBytes: 16, blockBytes: 16 },
  aes192: { cipher: 'aes192-cbc', keyBytes: 24, blockBytes: 16 },
  aes256: { cipher: 'aes256-cbc', keyBytes: 32, blockBytes: 16 },
  tripleDes: { cipher: '3des-cbc', keyBytes: 24, blockBytes: 8 },
} as const satisfies Record<string, CbcCipher>

/** The message, or `undefined` when its padding is wrong, which a wrong key nearly always shows by. */
export const openCbc = (crypto: CryptoProvider, by: CbcCipher, key: Uint8Array, iv: Uint8Array, sealed: Uint8Array) => {
  const opened = new Uint8Array(sealed)
  crypto.streamCipher(by.cipher, key, iv, 'open').process(opened, 0, opened.length)
  const padding = opened[opened.length - 1] ?? 0
  const end = opened.length - padding
  const isPadded = padding >= 1 && padding <= by.blockBytes && end >= 0 && opened.subarray(end).every(byte => byte === padding)
  if (isPadded) return opened.subarray(0, end)
  opened.fill(0)
  return undefined
}

export const sealCbc = (crypto: CryptoProvider, by: CbcCipher, key: Uint8Array, iv: Uint8Array, message: Uint8Array): Uint8Array => {
  const padding = by.blockBytes - (message.length % by.blockBytes)
  const sealed = new Uint8Array(message.length + padding).fill(padding)
  sealed.set(message)
  crypto.streamCipher(by.cipher, key, iv, 'seal').process(sealed, 0, sealed.length)
  return sealed
}

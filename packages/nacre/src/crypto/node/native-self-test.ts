// Owns the proof that an accelerator computes what it should, before anything relies on it: known answers, and a changed tag
// refused. Knows nothing of where the accelerator came from.
import type { NativeModule } from './native-module.ts'

/** `from`, `from` + 1, and so on: keys and plaintexts of the known answers. */
const counting = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i)

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

// Made with Python's `cryptography` (ChaCha20 and Poly1305 apart, as draft-ietf-sshm-chacha20-poly1305 joins them).
const answers = {
  // Key and nonce count from 0, 4 bytes of additional data from 0, 32 of plaintext from 4; ciphertext and tag.
  gcm: {
    16: '9769a1c96e12fd5f47df6f8526b2621ba7330cf14bf4e7edfa3cef323465804fdc5c41d9fee81d9e3d122d732200c053',
    32: '4307d01ccdecc810814c9984a1f86a7e97c39123e8624567247afb9a3d482291732655da1267cb5c11065b6ed3d49647',
  },
  // 64 bytes of key, sequence number 5, 4 bytes of length and 32 of packet, all counting.
  chachaPoly: '9dd9187fc8cde51b2a969338a5834dbfdc0d1b6f840ba1fa73a1c8bafb8dfe976c7772119925f0a0d583c076134b7bfa18f11020',
  // The counter carries over all of its 16 bytes.
  ctr: '3c451d31ca0284246cdea892025db51cd6b02924939a4d9577569b79bdd5c666',
  hmacSha256: 'ec2a8f0e79cf1ae530b86bb5aba6022485ef6fe2aca31e6f551619c41974367d',
} as const

const sequence = 5

/** Room before the packet, so that offsets are seen to be honoured. */
const before = 3
const frame = (): Uint8Array => {
  const bytes = new Uint8Array(before + 36 + 16)
  bytes.set(counting(36), before)
  return bytes
}

const gcmWorks = (native: NativeModule, keyBytes: 16 | 32): boolean => {
  const key = counting(keyBytes)
  const nonce = counting(12)
  const bytes = frame()
  const sealing = new native.Gcm(key, true)
  const opening = new native.Gcm(key, false)
  try {
    sealing.seal(nonce, bytes, before, before + 4, before + 36)
    if (hex(bytes.subarray(before + 4)) !== answers.gcm[keyBytes]) return false
    const touched = bytes.slice()
    touched[touched.length - 1] ^= 1
    if (opening.open(nonce, touched, before, before + 4, before + 36)) return false
    return opening.open(nonce, bytes, before, before + 4, before + 36) && hex(bytes.subarray(before, before + 36)) === hex(counting(36))
  } finally {
    sealing.dispose()
    opening.dispose()
  }
}

const chachaPolyWorks = (native: NativeModule): boolean => {
  const made = new native.ChaChaPoly(counting(64))
  const bytes = frame()
  try {
    made.seal(sequence, bytes, before, before + 36)
    if (hex(bytes.subarray(before)) !== answers.chachaPoly) return false
    const touched = bytes.slice()
    touched[touched.length - 1] ^= 1
    if (made.open(sequence, touched, before, before + 36)) return false
    if (!made.open(sequence, bytes, before, before + 36)) return false
    made.chacha(1, sequence, 0, bytes, before, before + 4)
    return hex(bytes.subarray(before, before + 36)) === hex(counting(36))
  } finally {
    made.dispose()
  }
}

const ctrWorks = (native: NativeModule): boolean => {
  const made = new native.Ctr(counting(16), new Uint8Array(16).fill(0xff))
  const bytes = counting(32)
  made.process(bytes, 0, 16)
  made.process(bytes, 16, 32)
  made.dispose()
  return hex(bytes) === answers.ctr
}

const hmacWorks = (native: NativeModule): boolean => {
  const made = new native.Hmac('sha256', counting(32))
  const tags = [new Uint8Array(32), new Uint8Array(32)]
  for (const tag of tags) made.digest(counting(4), counting(32, 4), tag)
  made.dispose()
  return tags.every(tag => hex(tag) === answers.hmacSha256)
}

/** What the accelerator does wrong, in a few words; `undefined` when it does all right. */
export const nativeSelfTest = (native: NativeModule): string | undefined => {
  try {
    if (!gcmWorks(native, 16) || !gcmWorks(native, 32)) return 'AES-GCM gives a wrong answer'
    if (!chachaPolyWorks(native)) return 'ChaCha20-Poly1305 gives a wrong answer'
    if (!ctrWorks(native)) return 'AES-CTR gives a wrong answer'
    return hmacWorks(native) ? undefined : 'HMAC gives a wrong answer'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

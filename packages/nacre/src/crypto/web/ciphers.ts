// Owns AES-GCM, CTR, CBC and single AES blocks over @noble/ciphers. Knows nothing of packets. The library's AES looks
// bytes up in tables, which leaks time to whoever shares the processor's cache: ChaCha20 comes first where this is used.
import { cbc, ctr, ecb, gcm } from '@noble/ciphers/aes.js'
import { KeyFormatError } from '../../errors.ts'
import type { Aead, Direction, StreamCipherName, StreamTransform } from '../provider.ts'

const tagBytes = 16
const blockBytes = 16

class AesGcm implements Aead {
  readonly detached = false
  readonly #key: Uint8Array

  constructor(key: Uint8Array) {
    if (key.length !== 16 && key.length !== 32) throw new TypeError(`AES-GCM takes keys of 16 or 32 bytes, not ${key.length}`)
    this.#key = key.slice()
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    const sealed = gcm(this.#key, nonce, bytes.subarray(aadStart, start)).encrypt(bytes.subarray(start, end))
    bytes.set(sealed, start)
  }

  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined {
    const region = bytes.subarray(start, end)
    try {
      region.set(gcm(this.#key, nonce, bytes.subarray(aadStart, start)).decrypt(bytes.subarray(start, end + tagBytes)))
    } catch {
      // The library's one way to say that the tag is wrong; the sizes are right.
      return undefined
    }
    return region
  }
}

export const aesGcm = (key: Uint8Array): Aead => new AesGcm(key)

const keySizes: Record<Exclude<StreamCipherName, '3des-cbc'>, number> = {
  'aes128-ctr': 16,
  'aes192-ctr': 24,
  'aes256-ctr': 32,
  'aes128-cbc': 16,
  'aes192-cbc': 24,
  'aes256-cbc': 32,
}

/** CTR: the counter block runs on by as many blocks as were processed. */
const counting = (key: Uint8Array, iv: Uint8Array): StreamTransform => {
  const counter = iv.slice()
  const advance = (blocks: number): void => {
    let carry = blocks
    for (let i = blockBytes - 1; i >= 0 && carry > 0; i--) {
      carry += counter[i]
      counter[i] = carry & 0xff
      carry = Math.floor(carry / 256)
    }
  }
  return {
    process(bytes, start, end) {
      bytes.set(ctr(key, counter).encrypt(bytes.subarray(start, end)), start)
      advance((end - start) / blockBytes)
    },
  }
}

/** CBC: the last block of ciphertext is the next vector. */
const chaining = (key: Uint8Array, iv: Uint8Array, direction: Direction): StreamTransform => {
  const vector = iv.slice()
  const unpadded = { disablePadding: true } as const
  return {
    process(bytes, start, end) {
      if (end === start) return
      const cipher = cbc(key, vector, unpadded)
      const region = bytes.subarray(start, end)
      if (direction === 'seal') {
        bytes.set(cipher.encrypt(region), start)
        vector.set(bytes.subarray(end - blockBytes, end))
      } else {
        const opened = cipher.decrypt(region)
        vector.set(bytes.subarray(end - blockBytes, end))
        bytes.set(opened, start)
      }
    },
  }
}

/** Throws `KeyFormatError` KEY_UNSUPPORTED for 3des-cbc, which no library worth having brings to the web. */
export const streamCipher = (name: StreamCipherName, key: Uint8Array, iv: Uint8Array, direction: Direction): StreamTransform => {
  if (name === '3des-cbc')
    throw new KeyFormatError('KEY_UNSUPPORTED', '3des-cbc is not there in this runtime. Use another cipher, or Node.')
  const keyBytes = keySizes[name]
  if (key.length !== keyBytes || iv.length !== blockBytes) {
    throw new TypeError(`${name} takes a key of ${keyBytes} bytes and an IV of ${blockBytes}, not ${key.length} and ${iv.length}`)
  }
  const own = key.slice()
  return name.endsWith('ctr') ? counting(own, iv) : chaining(own, iv, direction)
}

/** AES-128 in ECB mode, for UMAC, which asks for single blocks of counters. */
export const aesBlocks = (key: Uint8Array): ((blocks: Uint8Array) => Uint8Array) => {
  const own = key.slice()
  return blocks => ecb(own, { disablePadding: true }).encrypt(blocks)
}

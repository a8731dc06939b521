// Owns AES-GCM, CTR, CBC and single AES blocks over node:crypto. Knows nothing of packets. Node cannot write into a buffer
// it is given, so results are copied back and their memory is freed at once.
import { createCipheriv, createDecipheriv, createSecretKey, type CipherGCMTypes, type KeyObject } from 'node:crypto'
import type { Aead, Direction, StreamCipherName, StreamTransform } from '../provider.ts'
import { discard, plain } from './plain.ts'
import { isSmall, type SmallGcm, smallGcm } from './small-gcm.ts'

const tagBytes = 16

// The length of a packet and its tag pass through these: a copy of a few bytes is cheaper than a view of them.
const additionalScratch = new Uint8Array(4)
const tagScratch = new Uint8Array(tagBytes)

class AesGcm implements Aead {
  readonly detached = false
  readonly #name: CipherGCMTypes
  #raw: Uint8Array | undefined
  /** For packets that are not small: from the first of those on. */
  #key: KeyObject | undefined
  #small: SmallGcm | undefined

  constructor(key: Uint8Array) {
    if (key.length !== 16 && key.length !== 32) throw new TypeError(`AES-GCM takes keys of 16 or 32 bytes, not ${key.length}`)
    this.#name = key.length === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
    // Not `slice`: on a Buffer that makes a view.
    this.#raw = new Uint8Array(key)
    this.#small = smallGcm(this.#raw)
  }

  #held(): KeyObject {
    if (this.#raw === undefined) throw new TypeError('this AES-GCM key was disposed of')
    return (this.#key ??= createSecretKey(this.#raw))
  }

  #additional(bytes: Uint8Array, from: number, to: number): Uint8Array {
    if (to - from !== 4) return bytes.subarray(from, to)
    const aad = additionalScratch
    aad[0] = bytes[from]
    aad[1] = bytes[from + 1]
    aad[2] = bytes[from + 2]
    aad[3] = bytes[from + 3]
    return aad
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    if (this.#small !== undefined && isSmall(nonce, start - aadStart, end - start)) {
      this.#small.seal(nonce, bytes, aadStart, start, end)
      return
    }
    const cipher = createCipheriv(this.#name, this.#held(), nonce)
    cipher.setAAD(this.#additional(bytes, aadStart, start))
    const sealed = cipher.update(bytes.subarray(start, end))
    bytes.set(sealed, start)
    discard(sealed)
    cipher.final()
    bytes.set(cipher.getAuthTag(), end)
  }

  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined {
    if (this.#small !== undefined && isSmall(nonce, start - aadStart, end - start))
      return this.#small.open(nonce, bytes, aadStart, start, end)
    const decipher = createDecipheriv(this.#name, this.#held(), nonce)
    const tag = tagScratch
    for (let i = 0; i < tagBytes; i++) tag[i] = bytes[end + i]
    decipher.setAuthTag(tag)
    decipher.setAAD(this.#additional(bytes, aadStart, start))
    const region = bytes.subarray(start, end)
    const opened = decipher.update(region)
    try {
      decipher.final()
    } catch {
      opened.fill(0)
      return undefined
    }
    region.set(opened)
    discard(opened)
    return region
  }

  dispose(): void {
    this.#small?.dispose()
    this.#small = undefined
    this.#raw?.fill(0)
    this.#raw = undefined
    this.#key = undefined
  }
}

export const aesGcm = (key: Uint8Array): Aead => new AesGcm(key)

const nodeNames: Record<StreamCipherName, { name: string; keyBytes: number; ivBytes: number }> = {
  'aes128-ctr': { name: 'aes-128-ctr', keyBytes: 16, ivBytes: 16 },
  'aes192-ctr': { name: 'aes-192-ctr', keyBytes: 24, ivBytes: 16 },
  'aes256-ctr': { name: 'aes-256-ctr', keyBytes: 32, ivBytes: 16 },
  'aes128-cbc': { name: 'aes-128-cbc', keyBytes: 16, ivBytes: 16 },
  'aes192-cbc': { name: 'aes-192-cbc', keyBytes: 24, ivBytes: 16 },
  'aes256-cbc': { name: 'aes-256-cbc', keyBytes: 32, ivBytes: 16 },
  '3des-cbc': { name: 'des-ede3-cbc', keyBytes: 24, ivBytes: 8 },
}

/** The counter modes, for whoever has another implementation of them. */
export const ctrKeyBytes = { 'aes128-ctr': 16, 'aes192-ctr': 24, 'aes256-ctr': 32 } as const satisfies Partial<
  Record<StreamCipherName, number>
>

/** A long-lived cipher: without padding each call gives as many bytes as it takes. */
export const streamCipher = (name: StreamCipherName, key: Uint8Array, iv: Uint8Array, direction: Direction): StreamTransform => {
  const row = nodeNames[name]
  if (key.length !== row.keyBytes || iv.length !== row.ivBytes) {
    throw new TypeError(`${name} takes a key of ${row.keyBytes} bytes and an IV of ${row.ivBytes}, not ${key.length} and ${iv.length}`)
  }
  const create = direction === 'seal' ? createCipheriv : createDecipheriv
  const running = create(row.name, createSecretKey(key), iv).setAutoPadding(false)
  return {
    process(bytes, start, end) {
      const processed = running.update(bytes.subarray(start, end))
      bytes.set(processed, start)
      discard(processed)
    },
  }
}

/** AES-128 in ECB mode, for UMAC, which asks for single blocks of counters. */
export const aesBlocks = (key: Uint8Array): ((blocks: Uint8Array) => Uint8Array) => {
  const running = createCipheriv('aes-128-ecb', createSecretKey(key), null).setAutoPadding(false)
  return blocks => plain(running.update(blocks))
}

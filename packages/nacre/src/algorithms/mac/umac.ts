// Owns UMAC-64 and UMAC-128 (RFC 4418) as OpenSSH uses them: the nonce is the packet's sequence number as 64 bits,
// big-endian, and the message is the packet alone. Knows nothing of ciphers; AES is the provider's.
import type { CryptoProvider } from '../../crypto/provider.ts'
import type { Mac, PacketMac } from '../rows.ts'
import { uhash, type UhashKey } from './umac-hash.ts'
import { readUint32 } from '../../wire/uint32.ts'

const keyBytes = 16

/** KDF of RFC 4418 §3.2.1: AES of `index` and a counter from 1, both as 64 bits. */
const derive = (encrypt: (blocks: Uint8Array) => Uint8Array, index: number, count: number): Uint8Array => {
  const blocks = new Uint8Array(Math.ceil(count / 16) * 16)
  for (let i = 0; i < blocks.length / 16; i++) {
    blocks[16 * i + 7] = index
    blocks[16 * i + 14] = (i + 1) >> 8
    blocks[16 * i + 15] = i + 1
  }
  return encrypt(blocks).subarray(0, count)
}

const uhashKey = (encrypt: (blocks: Uint8Array) => Uint8Array, streams: number): UhashKey => {
  const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const nhBytes = view(derive(encrypt, 1, 1024 + 16 * (streams - 1)))
  const polyBytes = view(derive(encrypt, 2, 24 * streams))
  const innerBytes = view(derive(encrypt, 3, 64 * streams))
  const maskBytes = view(derive(encrypt, 4, 4 * streams))
  const poly = new Float64Array(3 * streams)
  const inner = new Float64Array(4 * streams)
  for (let stream = 0; stream < streams; stream++) {
    const k = polyBytes.getBigUint64(24 * stream) & 0x01ffffff01ffffffn
    for (let limb = 0; limb < 3; limb++) poly[3 * stream + limb] = Number((k >> BigInt(22 * limb)) & 0x3fffffn)
    for (let i = 0; i < 4; i++) inner[4 * stream + i] = Number(innerBytes.getBigUint64(64 * stream + 32 + 8 * i) % (2n ** 36n - 5n))
  }
  return {
    streams,
    poly,
    inner,
    nh: Uint32Array.from({ length: nhBytes.byteLength / 4 }, (_, i) => nhBytes.getUint32(4 * i)),
    mask: Uint32Array.from({ length: streams }, (_, i) => maskBytes.getUint32(4 * i)),
  }
}

/** One key's state. `compute` reuses its result's buffer: the result is valid until the next call. */
export class Umac implements PacketMac {
  readonly #key: UhashKey
  readonly #encryptPad: (blocks: Uint8Array) => Uint8Array
  readonly #nonce = new Uint8Array(16)
  readonly #tag: Uint8Array
  #view: DataView = new DataView(new ArrayBuffer(0))
  #pad: Uint8Array = new Uint8Array(16)
  #padFor: number | undefined

  /** Tags of 8 or 16 bytes; `key` of 16. */
  constructor(crypto: CryptoProvider, key: Uint8Array, tagBytes: 8 | 16) {
    const encrypt = crypto.aesBlocks(key)
    this.#key = uhashKey(encrypt, tagBytes / 4)
    this.#encryptPad = crypto.aesBlocks(derive(encrypt, 0, keyBytes))
    this.#tag = new Uint8Array(tagBytes)
  }

  compute(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array {
    const nonce = this.#nonce
    nonce[4] = sequence >>> 24
    nonce[5] = sequence >>> 16
    nonce[6] = sequence >>> 8
    nonce[7] = sequence
    return this.#compute(bytes, start, end)
  }

  /** UMAC with any nonce of 8 bytes. */
  computeFor(nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
    this.#nonce.set(nonce)
    this.#padFor = undefined
    const tag = this.#compute(bytes, 0, bytes.length)
    this.#nonce.fill(0)
    this.#padFor = undefined
    return tag
  }

  #compute(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.#view.buffer !== bytes.buffer) this.#view = new DataView(bytes.buffer)
    const tag = this.#tag
    uhash(this.#key, this.#view, bytes.byteOffset + start, end - start, tag)
    const at = this.#padStart()
    for (let i = 0; i < tag.length; i++) tag[i] ^= this.#pad[at + i]
    return tag
  }

  /**
   * PDF of RFC 4418 §3.3.1: a block of AES serves two neighbouring nonces when tags are half as long. Returns where in
   * `#pad` this one's begins.
   */
  #padStart(): number {
    const nonce = this.#nonce
    const index = this.#tag.length === 8 ? nonce[7] & 1 : 0
    nonce[7] -= index
    const low = readUint32(nonce, 4)
    if (this.#padFor !== low) {
      this.#pad = this.#encryptPad(nonce)
      this.#padFor = low
    }
    nonce[7] += index
    return 8 * index
  }
}

const umac = <const N extends string>(name: N, tagBytes: 8 | 16): Mac<N> => ({
  name,
  standing: 'default',
  keyBytes,
  tagBytes,
  encryptThenMac: name.endsWith('-etm@openssh.com'),
  create: (crypto, key) => new Umac(crypto, key, tagBytes),
})

export const umac64 = umac('umac-64@openssh.com', 8)
export const umac128 = umac('umac-128@openssh.com', 16)
export const umac64Etm = umac('umac-64-etm@openssh.com', 8)
export const umac128Etm = umac('umac-128-etm@openssh.com', 16)

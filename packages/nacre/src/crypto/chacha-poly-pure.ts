// Owns OpenSSH's ChaCha20 and Poly1305 in plain TypeScript, for runtimes without WebAssembly. Runs in time that depends on
// lengths only. Knows nothing of packets beyond where length and tag stand.
import { equalRegions } from './constant-time.ts'
import type { ChaChaPoly } from './provider.ts'

const tagBytes = 16

// Used within one synchronous call and wiped at its end; all connections share them.
const block = new Uint32Array(16)
const polyKey = new Uint8Array(64)
const tag = new Uint8Array(tagBytes)

const littleEndianWords = (bytes: Uint8Array): Uint32Array => {
  const words = new Uint32Array(bytes.length / 4)
  for (let i = 0; i < words.length; i++) words[i] = word(bytes, 4 * i)
  return words
}
const word = (b: Uint8Array, at: number): number => b[at] | (b[at + 1] << 8) | (b[at + 2] << 16) | (b[at + 3] << 24)
const swapped = (n: number): number => ((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)
const rotated = (x: number, n: number): number => (x << n) | (x >>> (32 - n))

const quarter = (x: Uint32Array, a: number, b: number, c: number, d: number): void => {
  let va = x[a] | 0
  let vb = x[b] | 0
  let vc = x[c] | 0
  let vd = x[d] | 0
  va = (va + vb) | 0
  vd = rotated(vd ^ va, 16)
  vc = (vc + vd) | 0
  vb = rotated(vb ^ vc, 12)
  va = (va + vb) | 0
  vd = rotated(vd ^ va, 8)
  vc = (vc + vd) | 0
  vb = rotated(vb ^ vc, 7)
  x[a] = va
  x[b] = vb
  x[c] = vc
  x[d] = vd
}

/** One block of key stream into `block`: the original ChaCha20 with 64-bit counter and nonce, both little-endian words. */
const keyStream = (key: Uint32Array, counter: number, nonceHigh: number): void => {
  const x = block
  x[0] = 0x61707865
  x[1] = 0x3320646e
  x[2] = 0x79622d32
  x[3] = 0x6b206574
  x.set(key, 4)
  x[12] = counter
  x[13] = 0
  x[14] = 0
  x[15] = nonceHigh
  for (let round = 0; round < 10; round++) {
    quarter(x, 0, 4, 8, 12)
    quarter(x, 1, 5, 9, 13)
    quarter(x, 2, 6, 10, 14)
    quarter(x, 3, 7, 11, 15)
    quarter(x, 0, 5, 10, 15)
    quarter(x, 1, 6, 11, 12)
    quarter(x, 2, 7, 8, 13)
    quarter(x, 3, 4, 9, 14)
  }
  x[0] += 0x61707865
  x[1] += 0x3320646e
  x[2] += 0x79622d32
  x[3] += 0x6b206574
  for (let i = 0; i < 8; i++) x[4 + i] += key[i]
  x[12] += counter
  x[15] += nonceHigh
}

const xorStream = (key: Uint32Array, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void => {
  // The nonce is the sequence number as 64 bits, big-endian: of its two little-endian words the first is 0.
  const nonceHigh = swapped(sequence)
  for (let at = start; at < end; at += 64, counter++) {
    keyStream(key, counter, nonceHigh)
    const count = Math.min(64, end - at)
    for (let i = 0; i < count; i++) bytes[at + i] ^= block[i >> 2] >>> ((i & 3) << 3)
  }
  block.fill(0)
}

// Poly1305 over six limbs of 22 bits held as doubles: a sum of six products, one of them 20 times as large, stays below
// 2^53, so nothing is lost. 2^132 = 20 mod 2^130 - 5.
const limbMask = 0x3fffff
const limbSize = 0x400000
const perLimb = 1 / limbSize

const h = new Float64Array(6)
const r = new Float64Array(6)
const tail = new Uint8Array(16)

const loadR = (key: Uint8Array): void => {
  const t0 = word(key, 0) & 0x0fffffff
  const t1 = word(key, 4) & 0x0ffffffc
  const t2 = word(key, 8) & 0x0ffffffc
  const t3 = word(key, 12) & 0x0ffffffc
  r[0] = t0 & limbMask
  r[1] = ((t0 >>> 22) | (t1 << 10)) & limbMask
  r[2] = ((t1 >>> 12) | (t2 << 20)) & limbMask
  r[3] = (t2 >>> 2) & limbMask
  r[4] = ((t2 >>> 24) | (t3 << 8)) & limbMask
  r[5] = t3 >>> 14
}

/** h = (h + block) * r for every 16 bytes of `[start..end)`; `high` is 2^128 in the last limb, 0 for a padded tail. */
const absorb = (b: Uint8Array, start: number, end: number, high: number): void => {
  const [r0, r1, r2, r3, r4, r5] = r
  const s1 = 20 * r1
  const s2 = 20 * r2
  const s3 = 20 * r3
  const s4 = 20 * r4
  const s5 = 20 * r5
  let [h0, h1, h2, h3, h4, h5] = h
  for (let at = start; at < end; at += 16) {
    const t0 = word(b, at)
    const t1 = word(b, at + 4)
    const t2 = word(b, at + 8)
    const t3 = word(b, at + 12)
    h0 += t0 & limbMask
    h1 += ((t0 >>> 22) | (t1 << 10)) & limbMask
    h2 += ((t1 >>> 12) | (t2 << 20)) & limbMask
    h3 += (t2 >>> 2) & limbMask
    h4 += ((t2 >>> 24) | (t3 << 8)) & limbMask
    h5 += (t3 >>> 14) | high
    let d0 = h0 * r0 + h1 * s5 + h2 * s4 + h3 * s3 + h4 * s2 + h5 * s1
    let d1 = h0 * r1 + h1 * r0 + h2 * s5 + h3 * s4 + h4 * s3 + h5 * s2
    let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s5 + h4 * s4 + h5 * s3
    let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s5 + h5 * s4
    let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0 + h5 * s5
    let d5 = h0 * r5 + h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1 + h5 * r0
    let carry = Math.floor(d0 * perLimb)
    d0 -= carry * limbSize
    d1 += carry
    carry = Math.floor(d1 * perLimb)
    h1 = d1 - carry * limbSize
    d2 += carry
    carry = Math.floor(d2 * perLimb)
    h2 = d2 - carry * limbSize
    d3 += carry
    carry = Math.floor(d3 * perLimb)
    h3 = d3 - carry * limbSize
    d4 += carry
    carry = Math.floor(d4 * perLimb)
    h4 = d4 - carry * limbSize
    d5 += carry
    carry = Math.floor(d5 * perLimb)
    h5 = d5 - carry * limbSize
    d0 += 20 * carry
    carry = Math.floor(d0 * perLimb)
    h0 = d0 - carry * limbSize
    h1 += carry
  }
  h[0] = h0
  h[1] = h1
  h[2] = h2
  h[3] = h3
  h[4] = h4
  h[5] = h5
}

/** h below 2^130, every limb below 2^22. */
const settle = (): void => {
  for (let pass = 0; pass < 3; pass++) {
    let carry = Math.floor(h[5] / 0x100000)
    h[5] -= carry * 0x100000
    h[0] += 5 * carry
    for (let i = 0; i < 5; i++) {
      carry = Math.floor(h[i] * perLimb)
      h[i] -= carry * limbSize
      h[i + 1] += carry
    }
  }
}

/** h mod 2^130 - 5, plus the second half of the key, into `out`. */
const finish = (key: Uint8Array, out: Uint8Array): void => {
  settle()
  const g = new Int32Array(6)
  let carry = 5
  for (let i = 0; i < 6; i++) {
    carry += h[i]
    g[i] = carry & limbMask
    carry >>= 22
  }
  g[5] -= 0x100000
  // All ones when h was below the prime, and h itself is the residue.
  const keep = g[5] >> 31
  for (let i = 0; i < 6; i++) g[i] = (h[i] & keep) | (g[i] & ~keep)
  const words = [g[0] | (g[1] << 22), (g[1] >>> 10) | (g[2] << 12), (g[2] >>> 20) | (g[3] << 2) | (g[4] << 24), (g[4] >>> 8) | (g[5] << 14)]
  let sum = 0
  for (let i = 0; i < 4; i++) {
    sum = (words[i] >>> 0) + (word(key, 16 + 4 * i) >>> 0) + (sum > 0xffffffff ? 1 : 0)
    for (let j = 0; j < 4; j++) out[4 * i + j] = sum >>> (8 * j)
  }
}

/** The Poly1305 tag (RFC 8439 §2.5) of `bytes[start..end)` under the 32-byte one-time `key`. */
export const poly1305 = (key: Uint8Array, bytes: Uint8Array, start: number, end: number, out: Uint8Array): void => {
  loadR(key)
  h.fill(0)
  const whole = start + ((end - start) & ~15)
  absorb(bytes, start, whole, 0x40000)
  if (whole < end) {
    tail.fill(0)
    for (let i = whole; i < end; i++) tail[i - whole] = bytes[i]
    tail[end - whole] = 1
    absorb(tail, 0, 16, 0)
  }
  finish(key, out)
  h.fill(0)
  r.fill(0)
}

class PureChaChaPoly implements ChaChaPoly {
  readonly detached = false
  readonly #payloadKey: Uint32Array
  readonly #lengthKey: Uint32Array

  constructor(key: Uint8Array) {
    this.#payloadKey = littleEndianWords(key.subarray(0, 32))
    this.#lengthKey = littleEndianWords(key.subarray(32, 64))
  }

  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void {
    xorStream(key === 0 ? this.#payloadKey : this.#lengthKey, sequence, counter, bytes, start, end)
  }

  #tag(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    polyKey.fill(0)
    xorStream(this.#payloadKey, sequence, 0, polyKey, 0, 64)
    poly1305(polyKey, bytes, start, end, tag)
    polyKey.fill(0)
  }

  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    xorStream(this.#lengthKey, sequence, 0, bytes, start, start + 4)
    xorStream(this.#payloadKey, sequence, 1, bytes, start + 4, end)
    this.#tag(sequence, bytes, start, end)
    bytes.set(tag, end)
  }

  open(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    this.#tag(sequence, bytes, start, end)
    const genuine = equalRegions(tag, 0, bytes, end, tagBytes)
    tag.fill(0)
    if (!genuine) return undefined
    xorStream(this.#payloadKey, sequence, 1, bytes, start + 4, end)
    return bytes.subarray(start + 4, end)
  }
}

/** `key` of 64 bytes: payload key, then length key. */
export const pureChaChaPoly = (key: Uint8Array): ChaChaPoly => new PureChaChaPoly(key)

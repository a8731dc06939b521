// Owns UHASH of RFC 4418 §5: the universal hash under UMAC, for messages up to 16 MiB. Knows nothing of nonces and pads.
// Products of 64 bits are kept exact in doubles: BigInt would cost more than the cipher beside it. Runs in time that
// depends on lengths only, but for one branch that a random hash takes once in 2^32 blocks (RFC 4418 §5.3.2 has it too).

/** What the four or two streams of one key share. All numbers come from the key derivation of RFC 4418 §3.2. */
export interface UhashKey {
  /** L1Key as 32-bit words; stream `s` begins at word 4s. */
  readonly nh: Uint32Array
  /** k64 of each stream in three limbs of 22 bits. */
  readonly poly: Float64Array
  /** The last four of each stream's eight keys mod 2^36 - 5; the first four only ever meet zeros. */
  readonly inner: Float64Array
  readonly mask: Uint32Array
  readonly streams: number
}

const blockBytes = 1024
const maximumBytes = 2 ** 24

const two16 = 0x10000
const two32 = 0x100000000
const two48 = 0x1000000000000

// The 64-bit result of NH, in two words.
let nhHigh = 0
let nhLow = 0

const padded = new DataView(new ArrayBuffer(32))

/**
 * NH (RFC 4418 §5.2.2) over `length` bytes at `at`, zero-padded to 32, plus the length in bits. `key` begins at `from`.
 * A product x * y is split as (x >> 16) * y and (x & 0xffff) * y, of 48 bits each: 16 of them fit a double.
 */
const nh = (view: DataView, at: number, length: number, key: Uint32Array, from: number): void => {
  let low = 0
  let high = 0
  const whole = length & ~31
  for (let offset = 0; offset < length || offset === 0; offset += 32) {
    let source = view
    let p = at + offset
    if (offset === whole) {
      for (let i = 0; i < 32; i++) padded.setUint8(i, offset + i < length ? view.getUint8(p + i) : 0)
      source = padded
      p = 0
    }
    const k = from + (offset >> 2)
    for (let j = 0; j < 4; j++) {
      const x = (source.getUint32(p + 4 * j, true) + key[k + j]) >>> 0
      const y = (source.getUint32(p + 4 * j + 16, true) + key[k + j + 4]) >>> 0
      low += (x & 0xffff) * y
      high += (x >>> 16) * y
    }
    if ((offset & 96) === 96) {
      const carry = Math.floor(low / two32)
      low -= carry * two32
      high += carry * two16
      high -= Math.floor(high / two48) * two48
    }
  }
  const carry = Math.floor(low / two32)
  low -= carry * two32
  high += carry * two16
  high -= Math.floor(high / two48) * two48
  const top = Math.floor(high / two16)
  const sum = low + (high - top * two16) * two16 + 8 * length
  nhLow = sum >>> 0
  nhHigh = (top + Math.floor(sum / two32)) >>> 0
}

// POLY over the prime 2^64 - 59 (RFC 4418 §5.3.2), three limbs of 22 bits; 2^66 = 236 mod p.
const limbMask = 0x3fffff
const limbSize = 0x400000

let y0 = 1
let y1 = 0
let y2 = 0

/** y = y * k + (high, low) mod p, not fully reduced. k has at most 57 bits, so each sum stays below 2^53. */
const polyStep = (poly: Float64Array, at: number, high: number, low: number): void => {
  const k0 = poly[at]
  const k1 = poly[at + 1]
  const k2 = poly[at + 2]
  let d0 = y0 * k0 + 236 * (y1 * k2 + y2 * k1) + (low & limbMask)
  let d1 = y0 * k1 + y1 * k0 + 236 * (y2 * k2) + (((low >>> 22) | (high << 10)) & limbMask)
  let d2 = y0 * k2 + y1 * k1 + y2 * k0 + (high >>> 12)
  let carry = Math.floor(d0 / limbSize)
  d0 -= carry * limbSize
  d1 += carry
  carry = Math.floor(d1 / limbSize)
  d1 -= carry * limbSize
  d2 += carry
  carry = Math.floor(d2 / limbSize)
  d2 -= carry * limbSize
  d0 += 236 * carry
  carry = Math.floor(d0 / limbSize)
  y0 = d0 - carry * limbSize
  y1 = d1 + carry
  y2 = d2
}

const polyBlock = (poly: Float64Array, at: number, high: number, low: number): void => {
  if (high !== 0xffffffff) {
    polyStep(poly, at, high, low)
    return
  }
  // A word of 2^64 - 2^32 or more: a marker of p - 1 first, then the word less 59. It cannot borrow below 2^64 - 2^32 - 59.
  polyStep(poly, at, 0xffffffff, 0xffffffc4)
  polyStep(poly, at, low < 59 ? 0xfffffffe : 0xffffffff, (low - 59) >>> 0)
}

/** y in full, into `nhHigh` and `nhLow`. */
const polyResult = (): void => {
  for (let pass = 0; pass < 3; pass++) {
    let carry = Math.floor(y2 / 0x100000)
    y2 -= carry * 0x100000
    y0 += 59 * carry
    carry = Math.floor(y0 / limbSize)
    y0 -= carry * limbSize
    y1 += carry
    carry = Math.floor(y1 / limbSize)
    y1 -= carry * limbSize
    y2 += carry
  }
  // y + 59 passes 2^64 exactly when y was p or more.
  const g0 = y0 + 59
  const g1 = y1 + (g0 >> 22)
  const g2 = y2 + (g1 >> 22)
  const keep = (g2 >> 20) - 1
  const l0 = (y0 & keep) | (g0 & limbMask & ~keep)
  const l1 = (y1 & keep) | (g1 & limbMask & ~keep)
  const l2 = (y2 & keep) | (g2 & 0xfffff & ~keep)
  nhLow = (l0 | (l1 << 22)) >>> 0
  nhHigh = ((l1 >>> 10) | (l2 << 12)) >>> 0
}

const two36 = 0x1000000000
const prime36 = two36 - 5

/** `product` mod 2^36 - 5, nearly: below 2^36 + 2^19. */
const folded = (product: number): number => {
  const over = Math.floor(product / two36)
  return product - over * two36 + 5 * over
}

/** L3-HASH (RFC 4418 §5.4) of zeros and the 64 bits in `nhHigh` and `nhLow`. */
const inner = (key: UhashKey, stream: number): number => {
  const k = key.inner
  const at = 4 * stream
  let sum =
    folded((nhHigh >>> 16) * k[at]) +
    folded((nhHigh & 0xffff) * k[at + 1]) +
    folded((nhLow >>> 16) * k[at + 2]) +
    folded((nhLow & 0xffff) * k[at + 3])
  sum = folded(sum)
  sum -= prime36 * Number(sum >= prime36)
  return (sum ^ key.mask[stream]) >>> 0
}

/** UHASH of `length` bytes of `view` at `at`: 4 bytes a stream into `out`. */
export const uhash = (key: UhashKey, view: DataView, at: number, length: number, out: Uint8Array): void => {
  if (length > maximumBytes) throw new RangeError(`UMAC over ${length} bytes; ${maximumBytes} are the most`)
  for (let stream = 0; stream < key.streams; stream++) {
    if (length <= blockBytes) {
      nh(view, at, length, key.nh, 4 * stream)
    } else {
      y0 = 1
      y1 = 0
      y2 = 0
      for (let offset = 0; offset < length; offset += blockBytes) {
        nh(view, at + offset, Math.min(blockBytes, length - offset), key.nh, 4 * stream)
        polyBlock(key.poly, 3 * stream, nhHigh, nhLow)
      }
      polyResult()
    }
    const word = inner(key, stream)
    out[4 * stream] = word >>> 24
    out[4 * stream + 1] = word >>> 16
    out[4 * stream + 2] = word >>> 8
    out[4 * stream + 3] = word
  }
}

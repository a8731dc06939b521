// Owns arithmetic in R/3 of Streamlined NTRU Prime: polynomials modulo x^761 - x - 1 with coefficients -1, 0, 1. They are
// packed as two planes of bits (where it is +1, where it is -1), 32 coefficients at a time, so that nothing but word
// operations sees a coefficient. Knows nothing of keys or encodings.
import { mod3, p } from './sntrup761-field.ts'

/** Words of a plane with room for p + 1 coefficients; the bits above are zero. */
const words = 24

interface Planes {
  readonly plus: Int32Array
  readonly minus: Int32Array
}

const zero = (count: number): Planes => ({ plus: new Int32Array(count), minus: new Int32Array(count) })

const pack = (of: Int8Array, into: Planes, position: (i: number) => number): void => {
  for (let i = 0; i < p; i++) {
    const at = position(i)
    into.plus[at >> 5] |= (of[i] & 1 & ~(of[i] >> 1)) << (at & 31)
    into.minus[at >> 5] |= ((of[i] >> 1) & 1) << (at & 31)
  }
}

const coefficient = (of: Planes, at: number): number => ((of.plus[at >> 5] >>> (at & 31)) & 1) - ((of.minus[at >> 5] >>> (at & 31)) & 1)

/** The product of two elements, in a new array. */
export const multiplyTernary = (left: Int8Array, right: Int8Array): Int8Array => {
  // One word more: it is shifted up by as much as 31.
  const factor = zero(words + 1)
  pack(left, factor, i => i)
  const sum = zero(2 * words + 1)
  // One copy of `left`, shifted up to a position in a word, serves that position in all words of `right`.
  for (let bit = 0; bit < 32; bit++) {
    for (let word = 0; word < words; word++) {
      const at = word * 32 + bit
      if (at >= p) continue
      const positive = -(right[at] & 1 & ~(right[at] >> 1))
      const negative = -((right[at] >> 1) & 1)
      addScaled(sum, word, factor, positive, negative)
    }
    shiftUp(factor)
  }
  const product = new Int8Array(p)
  for (let i = 0; i < p; i++) {
    // x^p = x + 1
    product[i] = mod3(coefficient(sum, i) + coefficient(sum, i + p) + (i === 0 ? 0 : coefficient(sum, i + p - 1)))
  }
  wipe(factor, sum)
  return product
}

/**
 * The inverse of an element; `undefined` when it has none. Division steps as in the field, 2p - 1 of them, and here the
 * lowest coefficient of `f` is its own inverse.
 */
export const invertTernary = (small: Int8Array): Int8Array | undefined => {
  const f = zero(words)
  const g = zero(words)
  const v = zero(words)
  const r = zero(words)
  f.plus[0] = 1
  f.minus[(p - 1) >> 5] |= 1 << ((p - 1) & 31)
  f.minus[p >> 5] |= 1 << (p & 31)
  pack(small, g, i => p - 1 - i)
  r.plus[0] = 1
  let delta = 1
  for (let step = 0; step < 2 * p - 1; step++) {
    shiftUp(v)
    const present = -((g.plus[0] | g.minus[0]) & 1)
    const swap = (-delta >> 31) & present
    delta = (delta ^ (swap & (delta ^ -delta))) + 1
    exchange(f, g, swap)
    exchange(v, r, swap)
    // g ← g - g0/f0 · f: the factor is -1 where the signs agree and +1 where they differ.
    const negative = -(((f.plus[0] & g.plus[0]) | (f.minus[0] & g.minus[0])) & 1)
    const positive = -(((f.plus[0] & g.minus[0]) | (f.minus[0] & g.plus[0])) & 1)
    addScaled(g, 0, f, positive, negative)
    addScaled(r, 0, v, positive, negative)
    shiftDown(g)
  }
  const inverse = new Int8Array(p)
  const scale = coefficient(f, 0)
  for (let i = 0; i < p; i++) inverse[i] = Math.imul(scale, coefficient(v, p - 1 - i))
  wipe(f, g, v, r)
  // Whether an inverse exists is no secret: such an element is thrown away.
  return delta === 0 ? inverse : undefined
}

/** `sum` += ±1 or 0 times `of`, moved up by `offset` words. The factor is two masks, not both set. */
const addScaled = (sum: Planes, offset: number, of: Planes, positive: number, negative: number): void => {
  const { plus, minus } = of
  const sumPlus = sum.plus
  const sumMinus = sum.minus
  for (let i = 0; i < plus.length; i++) {
    const a = (plus[i] & positive) | (minus[i] & negative)
    const b = (minus[i] & positive) | (plus[i] & negative)
    const c = sumPlus[i + offset]
    const d = sumMinus[i + offset]
    const mixed = (a | d) ^ (b | c)
    sumPlus[i + offset] = (b | d) ^ mixed
    sumMinus[i + offset] = (a | c) ^ mixed
  }
}

const exchange = (left: Planes, right: Planes, mask: number): void => {
  for (let i = 0; i < words; i++) {
    const plus = mask & (left.plus[i] ^ right.plus[i])
    left.plus[i] ^= plus
    right.plus[i] ^= plus
    const minus = mask & (left.minus[i] ^ right.minus[i])
    left.minus[i] ^= minus
    right.minus[i] ^= minus
  }
}

/** Times x. */
const shiftUp = (of: Planes): void => {
  for (const plane of [of.plus, of.minus]) {
    for (let i = plane.length - 1; i > 0; i--) plane[i] = (plane[i] << 1) | (plane[i - 1] >>> 31)
    plane[0] <<= 1
  }
}

/** Divided by x; the lowest coefficient is zero. */
const shiftDown = (of: Planes): void => {
  for (const plane of [of.plus, of.minus]) {
    for (let i = 0; i < words - 1; i++) plane[i] = (plane[i] >>> 1) | (plane[i + 1] << 31)
    plane[words - 1] >>>= 1
  }
}

const wipe = (...all: readonly Planes[]): void => {
  for (const each of all) {
    each.plus.fill(0)
    each.minus.fill(0)
  }
}

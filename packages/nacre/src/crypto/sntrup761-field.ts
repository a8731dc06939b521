// Owns arithmetic in the ring R/q of Streamlined NTRU Prime: polynomials modulo x^761 - x - 1 with coefficients modulo
// 4591. Knows nothing of keys or encodings. Branches and addresses depend on sizes only; a remainder is never taken by
// division and a product never without `Math.imul`, as both may take a time that depends on the numbers.

/** The degree of the modulus x^p - x - 1. */
export const p = 761
/** The modulus of coefficients; elements stand as -2295 … 2295. */
export const q = 4591
export const halfQ = 2295

/** `value` modulo q, from -2295 to 2295. For values within ±8,000,000. */
export const modQ = (value: number): number => {
  // Two estimates of value / q: 2^20 / q ≈ 228, then 2^28 / q ≈ 58470, rounded.
  const near = value - Math.imul(q, Math.imul(value, 228) >> 20)
  return near - Math.imul(q, (Math.imul(near, 58470) + 0x8000000) >> 28)
}

/** `value` modulo 3, from -1 to 1. For values within ±4591. */
export const mod3 = (value: number): number => value - Math.imul(3, (Math.imul(value, 10923) + 0x4000) >> 15)

/** The product of `big` (within ±2295) and `small` (within ±1), in a new array. */
export const multiplySmall = (big: Int32Array, small: Int8Array): Int32Array => {
  const padded = p + 3
  const a = new Int32Array(padded)
  a.set(big)
  const b = new Int32Array(padded)
  b.set(small)
  const sums = new Int32Array(2 * padded)
  // Four rows at once: each sum is loaded and stored once for four products.
  for (let j = 0; j < padded; j += 4) {
    const b0 = b[j]
    const b1 = b[j + 1]
    const b2 = b[j + 2]
    const b3 = b[j + 3]
    let a1 = 0
    let a2 = 0
    let a3 = 0
    for (let k = 0; k < padded; k++) {
      const a0 = a[k]
      sums[j + k] = (sums[j + k] + Math.imul(a0, b0) + Math.imul(a1, b1) + Math.imul(a2, b2) + Math.imul(a3, b3)) | 0
      a3 = a2
      a2 = a1
      a1 = a0
    }
  }
  // x^p = x + 1
  const product = new Int32Array(p)
  for (let i = 0; i < p; i++) product[i] = modQ(sums[i] + sums[i + p] + (i === 0 ? 0 : sums[i + p - 1]))
  a.fill(0)
  b.fill(0)
  sums.fill(0)
  return product
}

/** value^(q-2): the inverse of a coefficient other than zero. */
const inverseOf = (value: number): number => {
  let power = 1
  // The exponent is public: its bits may choose what is done.
  for (let bit = 12; bit >= 0; bit--) {
    power = modQ(Math.imul(power, power))
    if (((q - 2) >> bit) & 1) power = modQ(Math.imul(power, value))
  }
  return power
}

/** q^-1 modulo 2^16. */
const inverseQ = 15631

/**
 * 1 / (3 · small) in R/q, in a new array. R/q is a field, so every element but zero has an inverse.
 *
 * Division steps after Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (2019), §3: always
 * 2p - 1 of them, over the reversed polynomials. After n steps only the lowest 2p - n coefficients of `f` and `g` still
 * matter, and `v` and `r` have no more than n + 1, so the loops are shorter at both ends, by public counts. Coefficients
 * are kept within ±q by Montgomery reduction; the power of 2^-16 it leaves behind is the same in both columns of a row
 * and cancels in the last division.
 */
export const invertTripled = (small: Int8Array): Int32Array => {
  const f = new Int32Array(p + 1)
  const g = new Int32Array(p + 1)
  const v = new Int32Array(p + 2)
  const r = new Int32Array(p + 2)
  f[0] = 1
  f[p - 1] = -1
  f[p] = -1
  for (let i = 0; i < p; i++) g[p - 1 - i] = small[i]
  r[0] = inverseOf(3)
  let delta = 1
  for (let step = 0; step < 2 * p - 1; step++) {
    const g0 = modQ(g[0])
    // All ones when delta > 0 and g(0) ≠ 0.
    const swap = (-delta >> 31) & ((g0 | -g0) >> 31)
    delta = (delta ^ (swap & (delta ^ -delta))) + 1
    const f0 = modQ(f[0])
    const exchange = swap & (f0 ^ g0)
    reduceAndShrink(f, g, swap, f0 ^ exchange, g0 ^ exchange, Math.min(p + 1, 2 * p - step))
    reduceAndGrow(v, r, swap, f0 ^ exchange, g0 ^ exchange, Math.min(p, step + 1))
  }
  const scale = inverseOf(modQ(f[0]))
  const inverse = new Int32Array(p)
  for (let i = 0; i < p; i++) inverse[i] = modQ(Math.imul(scale, modQ(v[p - 1 - i])))
  for (const each of [f, g, v, r]) each.fill(0)
  return inverse
}

/** (f, g) ← (f, (f0·g - g0·f) / x) after the exchange of both where `swap` says so; the lowest `length` coefficients. */
const reduceAndShrink = (f: Int32Array, g: Int32Array, swap: number, f0: number, g0: number, length: number): void => {
  const exchange = swap & (f[0] ^ g[0])
  f[0] ^= exchange
  for (let i = 1; i < length; i++) {
    const x = f[i]
    const y = g[i]
    const change = swap & (x ^ y)
    const newF = x ^ change
    const product = (Math.imul(f0, y ^ change) - Math.imul(g0, newF)) | 0
    f[i] = newF
    g[i - 1] = (product - Math.imul((Math.imul(product, inverseQ) << 16) >> 16, q)) >> 16
  }
  g[length - 1] = 0
}

/** (v, r) ← (x·v, f0·r - g0·x·v), with x·v and r exchanged first where `swap` says so. They have `length` coefficients. */
const reduceAndGrow = (v: Int32Array, r: Int32Array, swap: number, f0: number, g0: number, length: number): void => {
  for (let i = length; i >= 0; i--) {
    const x = i === 0 ? 0 : v[i - 1]
    const y = r[i]
    const change = swap & (x ^ y)
    const newV = x ^ change
    const product = (Math.imul(f0, y ^ change) - Math.imul(g0, newV)) | 0
    v[i] = newV
    r[i] = (product - Math.imul((Math.imul(product, inverseQ) << 16) >> 16, q)) >> 16
  }
}

// Owns GHASH (NIST SP 800-38D section 6.4) over linear memory, without tables, and without branches or addresses that
// depend on secrets. AssemblyScript; `tools/build-wasm.ts` compiles it. Knows nothing of AES: the key H comes with every call.
//
// Memory: 0 the key H (16 bytes), 16 a mask (16), 32 the result (16); blocks from 64 on. H and mask are wiped before return.
//
// GCM numbers bits from the left: the first bit of a block is the coefficient of x^0. Read as one big-endian integer a
// block is its polynomial mirrored, with x^i at bit 127 - i. The carry-less product of two such integers has x^k at bit
// 254 - k, and one step to the left of that is the mirrored product of 256 bits, with x^k at bit 255 - k.

const KEY: usize = 0;
const MASK: usize = 16;
const RESULT: usize = 32;
const BLOCKS: usize = 64;

const M0: u64 = 0x1111111111111111;
const M1: u64 = 0x2222222222222222;
const M2: u64 = 0x4444444444444444;
const M3: u64 = 0x8888888888888888;

// The low 64 bits of the carry-less product, by ordinary multiplication, which adds where XOR is wanted. Each factor is
// split into four parts that hold every fourth bit. In the product of two parts only every fourth bit is a sum of pairs,
// and the three bits above it are room for its carries: at bit 4m and beyond at most m + 1 pairs meet, so that the sum is
// at most 15 below bit 60 and reaches no other sum; at bits 60 to 63 carries leave the word. The lowest bit of a sum is the XOR
// of its pairs; the masks drop the carries.
// @ts-ignore: decorator
@inline function low(a: u64, b: u64): u64 {
  const a0 = a & M0, a1 = a & M1, a2 = a & M2, a3 = a & M3;
  const b0 = b & M0, b1 = b & M1, b2 = b & M2, b3 = b & M3;
  return (((a0 * b0) ^ (a1 * b3) ^ (a2 * b2) ^ (a3 * b1)) & M0)
    | (((a0 * b1) ^ (a1 * b0) ^ (a2 * b3) ^ (a3 * b2)) & M1)
    | (((a0 * b2) ^ (a1 * b1) ^ (a2 * b0) ^ (a3 * b3)) & M2)
    | (((a0 * b3) ^ (a1 * b2) ^ (a2 * b1) ^ (a3 * b0)) & M3);
}

// @ts-ignore: decorator
@inline function mirrored(x: u64): u64 {
  x = ((x >> 1) & 0x5555555555555555) | ((x & 0x5555555555555555) << 1);
  x = ((x >> 2) & 0x3333333333333333) | ((x & 0x3333333333333333) << 2);
  x = ((x >> 4) & 0x0f0f0f0f0f0f0f0f) | ((x & 0x0f0f0f0f0f0f0f0f) << 4);
  return bswap<u64>(x);
}

// Bits 64 to 126 of the carry-less product, of which bit k is bit 126 - k of the product of both factors mirrored: so the
// low half of that, mirrored back, has bits 63 to 126.
// @ts-ignore: decorator
@inline function high(mirroredA: u64, mirroredB: u64): u64 {
  return mirrored(low(mirroredA, mirroredB)) >> 1;
}

/** RESULT = MASK XOR the GHASH of `count` blocks under KEY. */
export function ghash(count: u32): void {
  // 1 for the left half of a block, 0 for the right one, s for their sum, m for mirrored.
  const h1 = bswap<u64>(load<u64>(KEY)), h0 = bswap<u64>(load<u64>(KEY, 8)), hs = h1 ^ h0;
  const m1 = mirrored(h1), m0 = mirrored(h0), ms = m1 ^ m0;
  let y1: u64 = 0, y0: u64 = 0;
  const end = BLOCKS + ((<usize>count) << 4);
  for (let at = BLOCKS; at < end; at += 16) {
    y1 ^= bswap<u64>(load<u64>(at));
    y0 ^= bswap<u64>(load<u64>(at, 8));
    const n1 = mirrored(y1), n0 = mirrored(y0);
    // Karatsuba: the two halves, and the middle from the product of the sums.
    const leftLow = low(y1, h1), leftHigh = high(n1, m1);
    const rightLow = low(y0, h0), rightHigh = high(n0, m0);
    const middleLow = low(y1 ^ y0, hs) ^ leftLow ^ rightLow;
    const middleHigh = high(n1 ^ n0, ms) ^ leftHigh ^ rightHigh;
    const p3 = leftHigh, p2 = leftLow ^ middleHigh, p1 = rightHigh ^ middleLow, p0 = rightLow;
    let w3 = (p3 << 1) | (p2 >> 63), w2 = (p2 << 1) | (p1 >> 63), w1 = (p1 << 1) | (p0 >> 63);
    const w0 = p0 << 1;
    // x^(128 + k) is x^k + x^(k+1) + x^(k+2) + x^(k+7): 128 bits to the left, then 0, 1, 2 and 7 to the right. First the
    // highest powers, whose tail falls into w1, then w1 with it.
    w2 ^= w0 ^ (w0 >> 1) ^ (w0 >> 2) ^ (w0 >> 7);
    w1 ^= (w0 << 63) ^ (w0 << 62) ^ (w0 << 57);
    w3 ^= w1 ^ (w1 >> 1) ^ (w1 >> 2) ^ (w1 >> 7);
    w2 ^= (w1 << 63) ^ (w1 << 62) ^ (w1 << 57);
    y1 = w3;
    y0 = w2;
  }
  store<u64>(RESULT, bswap<u64>(y1) ^ load<u64>(MASK));
  store<u64>(RESULT, bswap<u64>(y0) ^ load<u64>(MASK, 8), 8);
  store<u64>(KEY, 0);
  store<u64>(KEY, 0, 8);
  store<u64>(MASK, 0);
  store<u64>(MASK, 0, 8);
}

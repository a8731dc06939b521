// Owns AES-GCM of small packets (NIST SP 800-38D) over linear memory, and its GHASH alone: AES-128 and AES-256 (FIPS 197) bit by bit, GHASH by
// multiplication; no tables, and no branches or addresses that depend on secrets. AssemblyScript; `tools/build-wasm.ts` compiles
// it. Keeps nothing: the key comes with every call, and all that is secret is overwritten before it returns.
//
// Memory: 0 key (32 bytes), 32 nonce (12), 48 tag (16); from 64 on what is computed with, see below; from BLOCKS on additional
// data filled up to one block of 16 bytes, then the packet.
//
// AES works on eight blocks at once. They are turned into eight planes of 16 bytes: bit k of byte i in plane b is bit b of byte i
// of block k. An S-box is then some hundred operations on whole planes, and shifting rows moves bytes within each plane.

const KEY: usize = 0;
const NONCE: usize = 32;
const TAG: usize = 48;
// Round keys: 15 at most.
const ROUND_KEYS: usize = 64;
// Eight planes, or blocks.
const STATE: usize = 304;
// The key stream: eight blocks for each turn of AES. The first block of the first turn is the hash key H, the second the mask of
// the tag.
const STREAM: usize = 432;
const BLOCKS: usize = 1024;

// A packet has at most 352 bytes: with H and the mask that is three turns of AES.

// GHASH. GCM numbers bits from the left: the first bit of a block is the coefficient of x^0. Read as one big-endian integer a
// block is its polynomial mirrored, with x^i at bit 127 - i. The carry-less product of two such integers has x^k at bit
// 254 - k, and one step to the left of that is the mirrored product of 256 bits, with x^k at bit 255 - k.

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


// @ts-ignore: decorator
@inline function plane(at: usize): v128 {
  return v128.load(STATE + (at << 4));
}

// @ts-ignore: decorator
@inline function setPlane(at: usize, bits: v128): void {
  v128.store(STATE + (at << 4), bits);
}

/**
 * The S-box on all planes: Boyar's and Peralta's circuit of 115 gates (A new combinational logic minimization technique with
 * applications to cryptology, 2010), which numbers bits from the highest. Its four NOTs are left to the round keys.
 */
function substitute(): void {
  const x0 = plane(7), x1 = plane(6), x2 = plane(5), x3 = plane(4), x4 = plane(3), x5 = plane(2), x6 = plane(1), x7 = plane(0);
  const y14 = v128.xor(x3, x5); const y13 = v128.xor(x0, x6); const y9 = v128.xor(x0, x3); const y8 = v128.xor(x0, x5);
  const t0 = v128.xor(x1, x2); const y1 = v128.xor(t0, x7); const y4 = v128.xor(y1, x3); const y12 = v128.xor(y13, y14);
  const y2 = v128.xor(y1, x0); const y5 = v128.xor(y1, x6); const y3 = v128.xor(y5, y8); const t1 = v128.xor(x4, y12);
  const y15 = v128.xor(t1, x5); const y20 = v128.xor(t1, x1); const y6 = v128.xor(y15, x7); const y10 = v128.xor(y15, t0);
  const y11 = v128.xor(y20, y9); const y7 = v128.xor(x7, y11); const y17 = v128.xor(y10, y11);
  const y19 = v128.xor(y10, y8); const y16 = v128.xor(t0, y11); const y21 = v128.xor(y13, y16);
  const y18 = v128.xor(x0, y16); const t2 = v128.and(y12, y15); const t3 = v128.and(y3, y6); const t4 = v128.xor(t3, t2);
  const t5 = v128.and(y4, x7); const t6 = v128.xor(t5, t2); const t7 = v128.and(y13, y16); const t8 = v128.and(y5, y1);
  const t9 = v128.xor(t8, t7); const t10 = v128.and(y2, y7); const t11 = v128.xor(t10, t7); const t12 = v128.and(y9, y11);
  const t13 = v128.and(y14, y17); const t14 = v128.xor(t13, t12); const t15 = v128.and(y8, y10);
  const t16 = v128.xor(t15, t12); const t17 = v128.xor(t4, t14); const t18 = v128.xor(t6, t16);
  const t19 = v128.xor(t9, t14); const t20 = v128.xor(t11, t16); const t21 = v128.xor(t17, y20);
  const t22 = v128.xor(t18, y19); const t23 = v128.xor(t19, y21); const t24 = v128.xor(t20, y18);
  const t25 = v128.xor(t21, t22); const t26 = v128.and(t21, t23); const t27 = v128.xor(t24, t26);
  const t28 = v128.and(t25, t27); const t29 = v128.xor(t28, t22); const t30 = v128.xor(t23, t24);
  const t31 = v128.xor(t22, t26); const t32 = v128.and(t31, t30); const t33 = v128.xor(t32, t24);
  const t34 = v128.xor(t23, t33); const t35 = v128.xor(t27, t33); const t36 = v128.and(t24, t35);
  const t37 = v128.xor(t36, t34); const t38 = v128.xor(t27, t36); const t39 = v128.and(t29, t38);
  const t40 = v128.xor(t25, t39); const t41 = v128.xor(t40, t37); const t42 = v128.xor(t29, t33);
  const t43 = v128.xor(t29, t40); const t44 = v128.xor(t33, t37); const t45 = v128.xor(t42, t41);
  const z0 = v128.and(t44, y15); const z1 = v128.and(t37, y6); const z2 = v128.and(t33, x7); const z3 = v128.and(t43, y16);
  const z4 = v128.and(t40, y1); const z5 = v128.and(t29, y7); const z6 = v128.and(t42, y11); const z7 = v128.and(t45, y17);
  const z8 = v128.and(t41, y10); const z9 = v128.and(t44, y12); const z10 = v128.and(t37, y3);
  const z11 = v128.and(t33, y4); const z12 = v128.and(t43, y13); const z13 = v128.and(t40, y5);
  const z14 = v128.and(t29, y2); const z15 = v128.and(t42, y9); const z16 = v128.and(t45, y14);
  const z17 = v128.and(t41, y8); const t46 = v128.xor(z15, z16); const t47 = v128.xor(z10, z11);
  const t48 = v128.xor(z5, z13); const t49 = v128.xor(z9, z10); const t50 = v128.xor(z2, z12); const t51 = v128.xor(z2, z5);
  const t52 = v128.xor(z7, z8); const t53 = v128.xor(z0, z3); const t54 = v128.xor(z6, z7); const t55 = v128.xor(z16, z17);
  const t56 = v128.xor(z12, t48); const t57 = v128.xor(t50, t53); const t58 = v128.xor(z4, t46);
  const t59 = v128.xor(z3, t54); const t60 = v128.xor(t46, t57); const t61 = v128.xor(z14, t57);
  const t62 = v128.xor(t52, t58); const t63 = v128.xor(t49, t58); const t64 = v128.xor(z4, t59);
  const t65 = v128.xor(t61, t62); const t66 = v128.xor(z1, t63); const s0 = v128.xor(t59, t63);
  const s6 = v128.xor(t56, t62); const s7 = v128.xor(t48, t60); const t67 = v128.xor(t64, t65);
  const s3 = v128.xor(t53, t66); const s4 = v128.xor(t51, t66); const s5 = v128.xor(t47, t65); const s1 = v128.xor(t64, s3);
  const s2 = v128.xor(t55, t67);
  setPlane(7, s0); setPlane(6, s1); setPlane(5, s2); setPlane(4, s3); setPlane(3, s4); setPlane(2, s5); setPlane(1, s6); setPlane(0, s7);
}

/** What the circuit leaves inverted: bits 0, 1, 5 and 6 of each byte (FIPS 197 adds 0x63). */
// @ts-ignore: decorator
@inline function inverted(): v128 {
  return i8x16.splat(0x63);
}

// @ts-ignore: decorator
@inline function only(bit: i32): v128 {
  const value: i32 = 1 << bit;
  return i8x16.splat(<i8>value);
}

/** One bit of each byte of a round key, for all blocks. */
// @ts-ignore: decorator
@inline function keyPlane(key: v128, bit: i32): v128 {
  const one = only(bit);
  return i8x16.eq(v128.and(key, one), one);
}

/** The S-box on the 16 bytes of one round key. */
function substituteKey(key: v128): v128 {
  for (let bit: i32 = 0; bit < 8; bit++) setPlane(bit, keyPlane(key, bit));
  substitute();
  let out = inverted();
  for (let bit: i32 = 0; bit < 8; bit++) out = v128.xor(out, v128.and(plane(bit), only(bit)));
  return out;
}

/** Each word of a round key is the sum of those before it in the last one: the prefix sums of its four words. */
// @ts-ignore: decorator
@inline function sums(key: v128): v128 {
  const zero = i32x4.splat(0);
  const two = v128.xor(key, v128.shuffle<i8>(key, zero, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
  return v128.xor(two, v128.shuffle<i8>(two, zero, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7));
}

/** FIPS 197, section 5.2. Returns the number of rounds. */
function expandKey(keyBytes: u32): u32 {
  let even = v128.load(KEY);
  v128.store(ROUND_KEYS, even);
  let constant: i32 = 1;
  if (keyBytes == 16) {
    for (let round: usize = 1; round <= 10; round++) {
      const last = substituteKey(even);
      const rotated = v128.shuffle<i8>(last, last, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12);
      even = v128.xor(sums(even), v128.xor(rotated, i32x4.splat(constant)));
      constant = (constant << 1) ^ ((constant >> 7) * 0x11b);
      v128.store(ROUND_KEYS + (round << 4), even);
    }
    return 10;
  }
  let odd = v128.load(KEY, 16);
  v128.store(ROUND_KEYS, odd, 16);
  for (let round: usize = 2; round <= 14; round += 2) {
    const last = substituteKey(odd);
    const rotated = v128.shuffle<i8>(last, last, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12);
    even = v128.xor(sums(even), v128.xor(rotated, i32x4.splat(constant)));
    constant <<= 1;
    v128.store(ROUND_KEYS + (round << 4), even);
    const middle = substituteKey(even);
    odd = v128.xor(sums(odd), v128.shuffle<i8>(middle, middle, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15));
    // After the last there is room for one more, which nobody reads.
    v128.store(ROUND_KEYS + (round << 4), odd, 16);
  }
  return 14;
}

/** Trades the bits of `b` under `mask` for those of `a` that stand `by` higher. */
// @ts-ignore: decorator
@inline function trade(a: usize, b: usize, by: i32, mask: i64): void {
  const left = plane(a), right = plane(b);
  const differing = v128.and(v128.xor(i64x2.shr_u(left, by), right), i64x2.splat(mask));
  setPlane(b, v128.xor(right, differing));
  setPlane(a, v128.xor(left, i64x2.shl(differing, by)));
}

/** Blocks into planes, and planes into blocks. */
function transpose(): void {
  for (let at: usize = 0; at < 8; at += 2) trade(at, at + 1, 1, 0x5555555555555555);
  trade(0, 2, 2, 0x3333333333333333);
  trade(1, 3, 2, 0x3333333333333333);
  trade(4, 6, 2, 0x3333333333333333);
  trade(5, 7, 2, 0x3333333333333333);
  for (let at: usize = 0; at < 4; at++) trade(at, at + 4, 4, 0x0f0f0f0f0f0f0f0f);
}

// Byte r + 4c is row r of column c. Row r moves r columns to the left.
// @ts-ignore: decorator
@inline function shifted(bits: v128): v128 {
  return v128.shuffle<i8>(bits, bits, 0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11);
}

/** The row below, in each column. */
// @ts-ignore: decorator
@inline function below(bits: v128): v128 {
  return v128.shuffle<i8>(bits, bits, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}

/** Two rows below. */
// @ts-ignore: decorator
@inline function opposite(bits: v128): v128 {
  return v128.shuffle<i8>(bits, bits, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}

/** Encrypts the eight blocks at STATE (FIPS 197, section 5.1). */
function encrypt(rounds: u32): void {
  transpose();
  let key = v128.load(ROUND_KEYS);
  for (let bit: i32 = 0; bit < 8; bit++) setPlane(bit, v128.xor(plane(bit), keyPlane(key, bit)));
  for (let round: u32 = 1; round < rounds; round++) {
    substitute();
    // A constant in each byte comes through the mixing of columns as it is.
    key = v128.xor(v128.load(ROUND_KEYS + (round << 4)), inverted());
    const a0 = shifted(plane(0)), a1 = shifted(plane(1)), a2 = shifted(plane(2)), a3 = shifted(plane(3));
    const a4 = shifted(plane(4)), a5 = shifted(plane(5)), a6 = shifted(plane(6)), a7 = shifted(plane(7));
    const b0 = below(a0), b1 = below(a1), b2 = below(a2), b3 = below(a3), b4 = below(a4), b5 = below(a5), b6 = below(a6), b7 = below(a7);
    // Twice each byte and the one below it, the one below, and the two opposite.
    const c0 = v128.xor(a0, b0), c1 = v128.xor(a1, b1), c2 = v128.xor(a2, b2), c3 = v128.xor(a3, b3);
    const c4 = v128.xor(a4, b4), c5 = v128.xor(a5, b5), c6 = v128.xor(a6, b6), c7 = v128.xor(a7, b7);
    setPlane(0, v128.xor(v128.xor(v128.xor(c7, b0), opposite(c0)), keyPlane(key, 0)));
    setPlane(1, v128.xor(v128.xor(v128.xor(v128.xor(c0, c7), b1), opposite(c1)), keyPlane(key, 1)));
    setPlane(2, v128.xor(v128.xor(v128.xor(c1, b2), opposite(c2)), keyPlane(key, 2)));
    setPlane(3, v128.xor(v128.xor(v128.xor(v128.xor(c2, c7), b3), opposite(c3)), keyPlane(key, 3)));
    setPlane(4, v128.xor(v128.xor(v128.xor(v128.xor(c3, c7), b4), opposite(c4)), keyPlane(key, 4)));
    setPlane(5, v128.xor(v128.xor(v128.xor(c4, b5), opposite(c5)), keyPlane(key, 5)));
    setPlane(6, v128.xor(v128.xor(v128.xor(c5, b6), opposite(c6)), keyPlane(key, 6)));
    setPlane(7, v128.xor(v128.xor(v128.xor(c6, b7), opposite(c7)), keyPlane(key, 7)));
  }
  substitute();
  key = v128.xor(v128.load(ROUND_KEYS + (rounds << 4)), inverted());
  for (let bit: i32 = 0; bit < 8; bit++) setPlane(bit, v128.xor(shifted(plane(bit)), keyPlane(key, bit)));
  transpose();
}

/** H, the mask and the key stream for `count` bytes. */
function makeStream(keyBytes: u32, count: u32): void {
  const rounds = expandKey(keyBytes);
  const nonce = v128.and(v128.load(NONCE), i32x4(-1, -1, -1, 0));
  // Turns of eight blocks: H and the mask, then those of the packet. The number of a block is below 256.
  const blocks: u32 = 2 + ((count + 15) >> 4);
  for (let first: u32 = 0; <u32>first < blocks; first += 8) {
    for (let at: u32 = 0; at < 8; at++) setPlane(at, i8x16.replace_lane(nonce, 15, <i8>(first + at)));
    if (first == 0) setPlane(0, i32x4.splat(0));
    encrypt(rounds);
    memory.copy(STREAM + (<usize>first << 4), STATE, 128);
  }
}

/** GHASH of the blocks from `at` up to and with `last`, under the key at `key`, XOR the block at `mask`. */
function hashed(key: usize, mask: usize, from: usize, last: usize): v128 {
  // 1 for the left half of a block, 0 for the right one, s for their sum, m for mirrored.
  const h1 = bswap<u64>(load<u64>(key)), h0 = bswap<u64>(load<u64>(key, 8)), hs = h1 ^ h0;
  const m1 = mirrored(h1), m0 = mirrored(h0), ms = m1 ^ m0;
  let y1: u64 = 0, y0: u64 = 0;
  for (let at = from; at <= last; at += 16) {
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
  const sum = i64x2.replace_lane(i64x2.splat(<i64>bswap<u64>(y1)), 1, <i64>bswap<u64>(y0));
  return v128.xor(sum, v128.load(mask));
}

/** The tag of what stands in BLOCKS. */
function authenticated(additionalBytes: u32, count: u32): v128 {
  const last = BLOCKS + 16 + ((<usize>count + 15) & ~15);
  // Bytes behind the packet, up to a whole block; then the lengths, in bits.
  memory.fill(BLOCKS + 16 + count, 0, last - (BLOCKS + 16 + count));
  store<u64>(last, bswap<u64>(<u64>additionalBytes << 3));
  store<u64>(last, bswap<u64>(<u64>count << 3), 8);
  return hashed(STREAM, STREAM + 16, additionalBytes == 0 ? BLOCKS + 16 : BLOCKS, last);
}

/** XORs the key stream into the packet, whole blocks at a time: what stands behind it is nobody's. */
function mix(count: u32): void {
  for (let at: usize = 0; at < count; at += 16)
    v128.store(BLOCKS + 16 + at, v128.xor(v128.load(BLOCKS + 16 + at), v128.load(STREAM + 32 + at)));
}

function wipe(): void {
  memory.fill(KEY, 0, TAG);
  memory.fill(ROUND_KEYS, 0, BLOCKS - ROUND_KEYS);
}

/** Encrypts `count` bytes and writes their tag. */
export function seal(keyBytes: u32, additionalBytes: u32, count: u32): void {
  makeStream(keyBytes, count);
  mix(count);
  v128.store(TAG, authenticated(additionalBytes, count));
  wipe();
}

/** Decrypts `count` bytes when TAG is theirs, and returns 1. Else returns 0 and leaves them as they are. */
export function open(keyBytes: u32, additionalBytes: u32, count: u32): u32 {
  makeStream(keyBytes, count);
  const genuine = !v128.any_true(v128.xor(authenticated(additionalBytes, count), v128.load(TAG)));
  if (genuine) mix(count);
  wipe();
  return genuine ? 1 : 0;
}

/** TAG = the GHASH of `count` blocks, for whoever has an AES of his own: the hash key stands at KEY, the mask of the tag behind it. */
export function ghash(count: u32): void {
  v128.store(TAG, hashed(KEY, KEY + 16, BLOCKS, BLOCKS + ((<usize>count - 1) << 4)));
  memory.fill(KEY, 0, 32);
}

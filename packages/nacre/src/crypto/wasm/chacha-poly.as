// Owns OpenSSH's ChaCha20 and Poly1305 over linear memory: ChaCha20 four blocks at once in SIMD, Poly1305 in five limbs of
// 26 bits. AssemblyScript; `tools/build-wasm.ts` compiles it. Knows nothing of connections: keys come with every call.
//
// Memory: 0 payload key (32 bytes), 32 length key (32), 64 one-time Poly1305 key and the rest of its block (64),
// 128 computed tag (16), 144 padded tail of a message (16), 256 a partial group of four blocks (256); data from 1024 on.
// Every export wipes what lies below 512 before it returns.

const PAYLOAD_KEY: usize = 0;
const LENGTH_KEY: usize = 32;
const ONE_TIME_KEY: usize = 64;
const TAG: usize = 128;
const TAIL: usize = 144;
const GROUP: usize = 256;
const SECRETS_END: usize = 512;

const LIMB: u64 = 0x3ffffff;

let r0: u64, r1: u64, r2: u64, r3: u64, r4: u64;
let h0: u64, h1: u64, h2: u64, h3: u64, h4: u64;

// h = (h + block) * r mod 2^130 - 5 for each 16 bytes; `high` is 2^128 in the last limb, 0 for a padded tail.
function absorb(at: usize, size: usize, high: u64): void {
  const s1 = r1 * 5, s2 = r2 * 5, s3 = r3 * 5, s4 = r4 * 5;
  const k0 = r0, k1 = r1, k2 = r2, k3 = r3, k4 = r4;
  let a0 = h0, a1 = h1, a2 = h2, a3 = h3, a4 = h4;
  const end = at + size;
  while (at < end) {
    const lo = load<u64>(at), hi = load<u64>(at, 8);
    a0 += lo & LIMB;
    a1 += (lo >> 26) & LIMB;
    a2 += ((lo >> 52) | (hi << 12)) & LIMB;
    a3 += (hi >> 14) & LIMB;
    a4 += (hi >> 40) | high;
    const d0 = a0 * k0 + a1 * s4 + a2 * s3 + a3 * s2 + a4 * s1;
    let d1 = a0 * k1 + a1 * k0 + a2 * s4 + a3 * s3 + a4 * s2;
    let d2 = a0 * k2 + a1 * k1 + a2 * k0 + a3 * s4 + a4 * s3;
    let d3 = a0 * k3 + a1 * k2 + a2 * k1 + a3 * k0 + a4 * s4;
    let d4 = a0 * k4 + a1 * k3 + a2 * k2 + a3 * k1 + a4 * k0;
    d1 += d0 >> 26; a0 = d0 & LIMB;
    d2 += d1 >> 26; a1 = d1 & LIMB;
    d3 += d2 >> 26; a2 = d2 & LIMB;
    d4 += d3 >> 26; a3 = d3 & LIMB;
    a0 += (d4 >> 26) * 5; a4 = d4 & LIMB;
    a1 += a0 >> 26; a0 &= LIMB;
    at += 16;
  }
  h0 = a0; h1 = a1; h2 = a2; h3 = a3; h4 = a4;
}

// TAG = Poly1305 of `size` bytes at `at` under ONE_TIME_KEY (RFC 8439 section 2.5).
function authenticate(at: usize, size: usize): void {
  const k0 = load<u64>(ONE_TIME_KEY) & 0x0ffffffc0fffffff, k1 = load<u64>(ONE_TIME_KEY, 8) & 0x0ffffffc0ffffffc;
  r0 = k0 & LIMB;
  r1 = (k0 >> 26) & LIMB;
  r2 = ((k0 >> 52) | (k1 << 12)) & LIMB;
  r3 = (k1 >> 14) & LIMB;
  r4 = k1 >> 40;
  h0 = 0; h1 = 0; h2 = 0; h3 = 0; h4 = 0;
  const whole = size & ~15, left = size - whole;
  absorb(at, whole, 1 << 24);
  if (left) {
    store<u64>(TAIL, 0);
    store<u64>(TAIL, 0, 8);
    memory.copy(TAIL, at + whole, left);
    store<u8>(TAIL + left, 1);
    absorb(TAIL, 16, 0);
  }
  h2 += h1 >> 26; h1 &= LIMB;
  h3 += h2 >> 26; h2 &= LIMB;
  h4 += h3 >> 26; h3 &= LIMB;
  h0 += (h4 >> 26) * 5; h4 &= LIMB;
  h1 += h0 >> 26; h0 &= LIMB;
  // g = h + 5 - 2^130; `keep` is all ones when that is negative, and h itself the residue.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26); g0 &= LIMB;
  let g2 = h2 + (g1 >> 26); g1 &= LIMB;
  let g3 = h3 + (g2 >> 26); g2 &= LIMB;
  const g4 = h4 + (g3 >> 26) - (1 << 26); g3 &= LIMB;
  const keep: u64 = 0 - (g4 >> 63);
  const l0 = (h0 & keep) | (g0 & ~keep), l1 = (h1 & keep) | (g1 & ~keep), l2 = (h2 & keep) | (g2 & ~keep);
  const l3 = (h3 & keep) | (g3 & ~keep), l4 = (h4 & keep) | (g4 & ~keep);
  const lo = l0 | (l1 << 26) | (l2 << 52), hi = (l2 >> 12) | (l3 << 14) | (l4 << 40);
  const t0 = lo + load<u64>(ONE_TIME_KEY, 16);
  store<u64>(TAG, t0);
  store<u64>(TAG, hi + load<u64>(ONE_TIME_KEY, 24) + (t0 < lo ? 1 : 0), 8);
  r0 = 0; r1 = 0; r2 = 0; r3 = 0; r4 = 0;
  h0 = 0; h1 = 0; h2 = 0; h3 = 0; h4 = 0;
}

@inline function rot(x: v128, n: i32): v128 { return v128.or(i32x4.shl(x, n), i32x4.shr_u(x, 32 - n)); }
@inline function rot16(x: v128): v128 { return i8x16.shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13); }
@inline function rot8(x: v128): v128 { return i8x16.shuffle(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14); }

// Each vector holds one word of four blocks; this XORs four such words, turned into 16 bytes of each block, into memory.
@inline function mix(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  const t0 = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const t1 = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const t2 = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const t3 = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(at, v128.xor(v128.load(at), i8x16.shuffle(t0, t1, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)));
  v128.store(at, v128.xor(v128.load(at, 64), i8x16.shuffle(t0, t1, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)), 64);
  v128.store(at, v128.xor(v128.load(at, 128), i8x16.shuffle(t2, t3, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)), 128);
  v128.store(at, v128.xor(v128.load(at, 192), i8x16.shuffle(t2, t3, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)), 192);
}

// XORs ChaCha20's key stream from block `counter` on into `size` bytes at `at`. The nonce is the sequence number as 64
// bits, big-endian: of its two little-endian words the first is 0. The counter has 64 bits too; packets use 13 of them.
function stream(key: usize, sequence: u32, counter: u32, at: usize, size: usize): void {
  const c0 = i32x4.splat(0x61707865), c1 = i32x4.splat(0x3320646e), c2 = i32x4.splat(0x79622d32), c3 = i32x4.splat(0x6b206574);
  const k0 = v128.load32_splat(key), k1 = v128.load32_splat(key, 4), k2 = v128.load32_splat(key, 8), k3 = v128.load32_splat(key, 12);
  const k4 = v128.load32_splat(key, 16), k5 = v128.load32_splat(key, 20), k6 = v128.load32_splat(key, 24), k7 = v128.load32_splat(key, 28);
  const nonce = i32x4.splat(bswap<u32>(sequence)), zero = i32x4.splat(0);
  let count = i32x4.add(i32x4.splat(counter), i32x4(0, 1, 2, 3));
  while (size > 0) {
    let x0 = c0, x1 = c1, x2 = c2, x3 = c3, x4 = k0, x5 = k1, x6 = k2, x7 = k3;
    let x8 = k4, x9 = k5, xa = k6, xb = k7, xc = count, xd = zero, xe = zero, xf = nonce;
    for (let i = 0; i < 10; i++) {
      x0 = i32x4.add(x0, x4); xc = rot16(v128.xor(xc, x0)); x1 = i32x4.add(x1, x5); xd = rot16(v128.xor(xd, x1));
      x2 = i32x4.add(x2, x6); xe = rot16(v128.xor(xe, x2)); x3 = i32x4.add(x3, x7); xf = rot16(v128.xor(xf, x3));
      x8 = i32x4.add(x8, xc); x4 = rot(v128.xor(x4, x8), 12); x9 = i32x4.add(x9, xd); x5 = rot(v128.xor(x5, x9), 12);
      xa = i32x4.add(xa, xe); x6 = rot(v128.xor(x6, xa), 12); xb = i32x4.add(xb, xf); x7 = rot(v128.xor(x7, xb), 12);
      x0 = i32x4.add(x0, x4); xc = rot8(v128.xor(xc, x0)); x1 = i32x4.add(x1, x5); xd = rot8(v128.xor(xd, x1));
      x2 = i32x4.add(x2, x6); xe = rot8(v128.xor(xe, x2)); x3 = i32x4.add(x3, x7); xf = rot8(v128.xor(xf, x3));
      x8 = i32x4.add(x8, xc); x4 = rot(v128.xor(x4, x8), 7); x9 = i32x4.add(x9, xd); x5 = rot(v128.xor(x5, x9), 7);
      xa = i32x4.add(xa, xe); x6 = rot(v128.xor(x6, xa), 7); xb = i32x4.add(xb, xf); x7 = rot(v128.xor(x7, xb), 7);
      x0 = i32x4.add(x0, x5); xf = rot16(v128.xor(xf, x0)); x1 = i32x4.add(x1, x6); xc = rot16(v128.xor(xc, x1));
      x2 = i32x4.add(x2, x7); xd = rot16(v128.xor(xd, x2)); x3 = i32x4.add(x3, x4); xe = rot16(v128.xor(xe, x3));
      xa = i32x4.add(xa, xf); x5 = rot(v128.xor(x5, xa), 12); xb = i32x4.add(xb, xc); x6 = rot(v128.xor(x6, xb), 12);
      x8 = i32x4.add(x8, xd); x7 = rot(v128.xor(x7, x8), 12); x9 = i32x4.add(x9, xe); x4 = rot(v128.xor(x4, x9), 12);
      x0 = i32x4.add(x0, x5); xf = rot8(v128.xor(xf, x0)); x1 = i32x4.add(x1, x6); xc = rot8(v128.xor(xc, x1));
      x2 = i32x4.add(x2, x7); xd = rot8(v128.xor(xd, x2)); x3 = i32x4.add(x3, x4); xe = rot8(v128.xor(xe, x3));
      xa = i32x4.add(xa, xf); x5 = rot(v128.xor(x5, xa), 7); xb = i32x4.add(xb, xc); x6 = rot(v128.xor(x6, xb), 7);
      x8 = i32x4.add(x8, xd); x7 = rot(v128.xor(x7, x8), 7); x9 = i32x4.add(x9, xe); x4 = rot(v128.xor(x4, x9), 7);
    }
    const whole = size >= 256;
    const to: usize = whole ? at : GROUP;
    if (!whole) memory.copy(GROUP, at, size);
    mix(to, i32x4.add(x0, c0), i32x4.add(x1, c1), i32x4.add(x2, c2), i32x4.add(x3, c3));
    mix(to + 16, i32x4.add(x4, k0), i32x4.add(x5, k1), i32x4.add(x6, k2), i32x4.add(x7, k3));
    mix(to + 32, i32x4.add(x8, k4), i32x4.add(x9, k5), i32x4.add(xa, k6), i32x4.add(xb, k7));
    mix(to + 48, i32x4.add(xc, count), xd, xe, i32x4.add(xf, nonce));
    if (!whole) {
      memory.copy(at, GROUP, size);
      return;
    }
    count = i32x4.add(count, i32x4.splat(4));
    at += 256;
    size -= 256;
  }
}

function oneTimeKey(sequence: u32): void {
  memory.fill(ONE_TIME_KEY, 0, 64);
  stream(PAYLOAD_KEY, sequence, 0, ONE_TIME_KEY, 64);
}

function genuine(tag: usize): bool {
  return ((load<u64>(TAG) ^ load<u64>(tag)) | (load<u64>(TAG, 8) ^ load<u64>(tag, 8))) == 0;
}

function wipe(): void {
  memory.fill(0, 0, SECRETS_END);
}

/** XORs the key stream of key 0 (payload) or 1 (length). */
export function chacha(key: u32, sequence: u32, counter: u32, at: usize, size: usize): void {
  stream(key ? LENGTH_KEY : PAYLOAD_KEY, sequence, counter, at, size);
  wipe();
}

/** Encrypts 4 bytes of length and `size - 4` of packet in place; the tag follows them. */
export function seal(sequence: u32, at: usize, size: usize): void {
  stream(LENGTH_KEY, sequence, 0, at, 4);
  stream(PAYLOAD_KEY, sequence, 1, at + 4, size - 4);
  oneTimeKey(sequence);
  authenticate(at, size);
  memory.copy(at + size, TAG, 16);
  wipe();
}

/** Checks the tag after `size` bytes; when it is right, decrypts all but the first 4 in place and returns 1. */
export function open(sequence: u32, at: usize, size: usize): u32 {
  oneTimeKey(sequence);
  authenticate(at, size);
  const right = genuine(at + size);
  if (right) stream(PAYLOAD_KEY, sequence, 1, at + 4, size - 4);
  wipe();
  return u32(right);
}

/** Writes the tag of `size` bytes, encrypted elsewhere, after them. Encrypts the 4 bytes of length first. */
export function sealLengthAndTag(sequence: u32, at: usize, size: usize): void {
  stream(LENGTH_KEY, sequence, 0, at, 4);
  oneTimeKey(sequence);
  authenticate(at, size);
  memory.copy(at + size, TAG, 16);
  wipe();
}

/** Checks the tag after `size` bytes and decrypts nothing. */
export function verify(sequence: u32, at: usize, size: usize): u32 {
  oneTimeKey(sequence);
  authenticate(at, size);
  const right = genuine(at + size);
  wipe();
  return u32(right);
}

// Owns SHA-256, SHA-1, MD5 and HMAC-SHA1 in plain code, for fingerprints and hashed host names only: those are asked for
// where no crypto provider is at hand, over a few hundred bytes. Nothing secret goes through here.

const rotateLeft = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** The message, `0x80`, zeros and its length in bits: whole blocks of 64 bytes (FIPS 180-4 §5.1.1, RFC 1321 §3.1). */
const padded = (message: Uint8Array, littleEndian: boolean): DataView => {
  const bytes = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64)
  bytes.set(message)
  bytes[message.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setBigUint64(bytes.length - 8, BigInt(message.length) * 8n, littleEndian)
  return view
}

const wordsToBytes = (words: Uint32Array | Int32Array, littleEndian: boolean): Uint8Array => {
  const view = new DataView(new ArrayBuffer(words.length * 4))
  words.forEach((word, i) => view.setUint32(i * 4, word >>> 0, littleEndian))
  return new Uint8Array(view.buffer)
}

/** Fractional bits of the square (`power` 1/2) or cube roots of the first `count` primes. */
const rootsOfPrimes = (count: number, power: number): Int32Array => {
  const roots: number[] = []
  for (let candidate = 2; roots.length < count; candidate++) {
    let prime = true
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) prime = false
    if (prime) roots.push((candidate ** power % 1) * 2 ** 32)
  }
  return Int32Array.from(roots, root => Math.floor(root) | 0)
}

const sha256Start = rootsOfPrimes(8, 1 / 2)
const sha256Constants = rootsOfPrimes(64, 1 / 3)

/** FIPS 180-4 §6.2. */
export const sha256 = (message: Uint8Array): Uint8Array => {
  const view = padded(message, false)
  const state = sha256Start.slice()
  const w = new Int32Array(64)
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(block + t * 4)
    for (let t = 16; t < 64; t++) {
      const [early, late] = [w[t - 15], w[t - 2]]
      const s0 = rotateLeft(early, 25) ^ rotateLeft(early, 14) ^ (early >>> 3)
      const s1 = rotateLeft(late, 15) ^ rotateLeft(late, 13) ^ (late >>> 10)
      w[t] = w[t - 16] + s0 + w[t - 7] + s1
    }
    let [a, b, c, d, e, f, g, h] = state
    for (let t = 0; t < 64; t++) {
      const t1 = (h + (rotateLeft(e, 26) ^ rotateLeft(e, 21) ^ rotateLeft(e, 7)) + ((e & f) ^ (~e & g)) + sha256Constants[t] + w[t]) | 0
      const t2 = ((rotateLeft(a, 30) ^ rotateLeft(a, 19) ^ rotateLeft(a, 10)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
      ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0]
    }
    ;[a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word))
  }
  return wordsToBytes(state, false)
}

const sha1Constants = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6]

/** FIPS 180-4 §6.1. Only for names that were hashed with it. */
export const sha1 = (message: Uint8Array): Uint8Array => {
  const view = padded(message, false)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0)
  const w = new Int32Array(80)
  for (let block = 0; block < view.byteLength; block += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getInt32(block + t * 4)
    for (let t = 16; t < 80; t++) w[t] = rotateLeft(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1)
    let [a, b, c, d, e] = state
    for (let t = 0; t < 80; t++) {
      const choice = t < 20 ? (b & c) | (~b & d) : t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d
      const next = (rotateLeft(a, 5) + choice + e + sha1Constants[Math.floor(t / 20)] + w[t]) | 0
      ;[e, d, c, b, a] = [d, c, rotateLeft(b, 30), a, next]
    }
    ;[a, b, c, d, e].forEach((word, i) => (state[i] += word))
  }
  return wordsToBytes(state, false)
}

const md5Shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
const md5Constants = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0)

/** RFC 1321. Only for fingerprints in the old style. */
export const md5 = (message: Uint8Array): Uint8Array => {
  const view = padded(message, true)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let block = 0; block < view.byteLength; block += 64) {
    let [a, b, c, d] = state
    for (let i = 0; i < 64; i++) {
      const round = i >> 4
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (d & b) | (~d & c) : round === 2 ? b ^ c ^ d : c ^ (b | ~d)
      const from = round === 0 ? i : round === 1 ? (5 * i + 1) % 16 : round === 2 ? (3 * i + 5) % 16 : (7 * i) % 16
      const sum = (a + mixed + md5Constants[i] + view.getInt32(block + from * 4, true)) | 0
      ;[a, d, c, b] = [d, c, b, (b + rotateLeft(sum, md5Shifts[round * 4 + (i & 3)])) | 0]
    }
    ;[a, b, c, d].forEach((word, i) => (state[i] += word))
  }
  return wordsToBytes(state, true)
}

/** RFC 2104 over SHA-1, as known_hosts hashes names. */
export const hmacSha1 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const short = key.length > 64 ? sha1(key) : key
  const inner = new Uint8Array(64 + message.length).fill(0x36, 0, 64)
  const outer = new Uint8Array(84).fill(0x5c, 0, 64)
  for (let i = 0; i < short.length; i++) {
    inner[i] ^= short[i]
    outer[i] ^= short[i]
  }
  inner.set(message, 64)
  outer.set(sha1(inner), 64)
  return sha1(outer)
}

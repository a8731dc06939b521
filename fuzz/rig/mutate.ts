// Owns changes of bytes that know nothing of what the bytes mean: flips, numbers at their limits, pieces moved, doubled, cut
// and joined with other inputs, words put in, length fields made to fit again.
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'

const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
/** `bytes` with what stands from `from` to `to` replaced. */
export const spliced = (bytes: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array =>
  concat(bytes.subarray(0, from), middle, bytes.subarray(to))

const edges32 = [
  0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 100, 255, 256, 1024, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
]
const edges8 = [0, 1, 2, 4, 9, 10, 13, 32, 34, 39, 44, 58, 61, 64, 92, 0x7f, 0x80, 0xc0, 0xe2, 0xfe, 0xff]

/** A number that is likely to mean something, or to overflow. */
export const edgeNumber = (random: SeededRandom): number => (random.oneIn(4) ? random.below(2 ** 32) : random.pick(edges32))

export const randomBytes = (random: SeededRandom, most: number): Uint8Array => {
  const bytes = new Uint8Array(random.below(most + 1))
  random.bytes(bytes)
  return bytes
}

type Change = (bytes: Uint8Array, random: SeededRandom, other: Uint8Array, words: readonly Uint8Array[]) => Uint8Array

const uint32 = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
/** A piece, short ones more often. */
const piece = (bytes: Uint8Array, random: SeededRandom): readonly [number, number] => {
  const from = random.below(bytes.length + 1)
  const most = random.oneIn(3) ? bytes.length - from : Math.min(bytes.length - from, 8)
  return [from, from + random.below(most + 1)]
}

const changes: readonly Change[] = [
  (bytes, random) => {
    const changed = bytes.slice()
    if (changed.length > 0) changed[random.below(changed.length)] ^= 1 << random.below(8)
    return changed
  },
  (bytes, random) => {
    const changed = bytes.slice()
    if (changed.length > 0) changed[random.below(changed.length)] = random.oneIn(2) ? random.below(256) : random.pick(edges8)
    return changed
  },
  (bytes, random) => {
    const changed = bytes.slice()
    if (changed.length > 0) changed[random.below(changed.length)] += random.oneIn(2) ? 1 : 255
    return changed
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, random.oneIn(3) ? at : Math.min(bytes.length, at + 4), uint32(edgeNumber(random)))
  },
  (bytes, random) => {
    const [from, to] = piece(bytes, random)
    return spliced(bytes, from, to, new Uint8Array(0))
  },
  (bytes, random) => {
    const [from, to] = piece(bytes, random)
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, at, bytes.subarray(from, to))
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, at, randomBytes(random, random.oneIn(8) ? 300 : 6))
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1)
    const many = new Uint8Array(1 + random.below(random.oneIn(10) ? 2000 : 40)).fill(random.oneIn(2) ? random.below(256) : (bytes[at] ?? 0))
    return spliced(bytes, at, at, many)
  },
  (bytes, random, other) => {
    const [from, to] = piece(other, random)
    const at = random.below(bytes.length + 1)
    return spliced(bytes, at, random.oneIn(2) ? at : Math.min(bytes.length, at + to - from), other.subarray(from, to))
  },
  (bytes, random, other) => concat(bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length + 1))),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  // Makes four bytes say how much follows them, or how much follows up to some place.
  (bytes, random) => {
    if (bytes.length < 4) return bytes
    const at = random.below(bytes.length - 3)
    const left = bytes.length - at - 4
    return spliced(bytes, at, at + 4, uint32(random.oneIn(2) ? left : random.below(left + 1)))
  },
  // A digit in a text becomes another.
  (bytes, random) => {
    const changed = bytes.slice()
    const from = random.below(changed.length + 1)
    const at = changed.findIndex((byte, index) => index >= from && byte >= 0x30 && byte <= 0x39)
    if (at >= 0) changed[at] = 0x30 + random.below(10)
    return changed
  },
  // A decimal number in a text.
  (bytes, random) => {
    const at = bytes.findIndex((byte, index) => byte >= 0x30 && byte <= 0x39 && (random.oneIn(3) || index === bytes.length - 1))
    if (at < 0) return bytes
    let to = at
    while (to < bytes.length && bytes[to] >= 0x30 && bytes[to] <= 0x39) to++
    const number = random.pick(['0', '-1', '1', '65535', '65536', '2147483648', '4294967296', '9007199254740993', '1e999', '007'])
    return spliced(
      bytes,
      at,
      to,
      Uint8Array.from(number, character => character.charCodeAt(0)),
    )
  },
]
const wordIn: Change = (bytes, random, _other, words) => {
  const word = random.pick(words)
  const at = random.below(bytes.length + 1)
  return spliced(bytes, at, random.oneIn(2) ? at : Math.min(bytes.length, at + word.length), word)
}

/** `bytes` after one to a few changes, drawn by chance; `other` is another input of the same kind. */
export const mutated = (bytes: Uint8Array, random: SeededRandom, other: Uint8Array, words: readonly Uint8Array[]): Uint8Array => {
  let changed = bytes
  for (let left = 1 + random.below(random.oneIn(4) ? 8 : 3); left > 0; left--) {
    const change = words.length > 0 && random.oneIn(4) ? wordIn : random.pick(changes)
    changed = change(changed, random, other, words)
  }
  return changed
}

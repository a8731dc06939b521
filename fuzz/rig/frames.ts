// Owns inputs that are lists: each item is a kind, a length of two bytes, and as many bytes. Any bytes are such a list, and
// changes can be made to the list, to one item, or inside one by its declaration.
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'

export interface Frame {
  readonly kind: number
  readonly bytes: Uint8Array
}

export const readFrames = (input: Uint8Array, most: number): readonly Frame[] => {
  const frames: Frame[] = []
  for (let at = 0; at + 3 <= input.length && frames.length < most;) {
    const length = Math.min((input[at + 1] << 8) | input[at + 2], input.length - at - 3)
    frames.push({ kind: input[at], bytes: input.subarray(at + 3, at + 3 + length) })
    at += 3 + length
  }
  return frames
}

export const writeFrames = (frames: readonly Frame[]): Uint8Array => {
  const whole = new Uint8Array(frames.reduce((sum, { bytes }) => sum + 3 + bytes.length, 0))
  let at = 0
  for (const { kind, bytes } of frames) {
    whole[at] = kind
    whole[at + 1] = bytes.length >> 8
    whole[at + 2] = bytes.length
    whole.set(bytes, at + 3)
    at += 3 + bytes.length
  }
  return whole
}

/** The list with one item put in, left out, doubled, moved or changed. */
export const changedFrames = (
  frames: readonly Frame[],
  random: SeededRandom,
  make: (random: SeededRandom) => Frame,
  change: (frame: Frame, random: SeededRandom) => Frame,
): readonly Frame[] => {
  if (frames.length === 0) return [make(random)]
  const at = random.below(frames.length)
  const frame = frames[at]
  switch (random.below(6)) {
    case 0:
      return frames.toSpliced(at, 0, make(random))
    case 1:
      return frames.toSpliced(at + 1, 0, make(random))
    case 2:
      return frames.toSpliced(at, 1)
    case 3:
      return frames.toSpliced(at, 0, ...Array.from({ length: random.oneIn(3) ? 5 : 1 }, () => frame))
    case 4:
      return frames.toSpliced(at, 1).toSpliced(random.below(frames.length), 0, frame)
    default:
      return frames.with(at, change(frame, random))
  }
}

// Owns the buffers that reads and writes go through, in two sizes, used again by whoever comes next, whichever session it is.
// What a buffer held before is never sent: only what was written into it is. Knows no packets.

/** For the answers to requests that hold little, and for small writes. */
export const smallBuffer = 32 * 1024
/** For the largest read or write there is by default, with what goes before it. */
export const largeBuffer = 256 * 1024 + 64

const small: Uint8Array[] = []
const large: Uint8Array[] = []
/** Kept at most, over all sessions: 2 MiB and 8 MiB. */
const mostSmall = 64
const mostLarge = 32

/** A buffer of at least `size` bytes. */
export const takeBuffer = (size: number): Uint8Array => {
  if (size <= smallBuffer) return small.pop() ?? new Uint8Array(smallBuffer)
  if (size <= largeBuffer) return large.pop() ?? new Uint8Array(largeBuffer)
  return new Uint8Array(size)
}

/** `buffer` is not used any more. */
export const giveBack = (buffer: Uint8Array): void => {
  if (buffer.length === smallBuffer && small.length < mostSmall) small.push(buffer)
  else if (buffer.length === largeBuffer && large.length < mostLarge) large.push(buffer)
}

/** Somebody who keeps a buffer only because it may be of use. */
export interface Keeper {
  letGo(): void
}

/** In the order they began to keep. */
const keepers = new Set<Keeper>()
const mostKeepers = 32

/** `keeper` keeps a buffer from now on; who has kept one for longest lets it go when there are too many, over all sessions. */
export const keep = (keeper: Keeper): void => {
  keepers.delete(keeper)
  keepers.add(keeper)
  if (keepers.size <= mostKeepers) return
  for (const oldest of keepers) {
    oldest.letGo()
    return
  }
}

/** `keeper` keeps none any more. */
export const keepNoMore = (keeper: Keeper): void => {
  keepers.delete(keeper)
}

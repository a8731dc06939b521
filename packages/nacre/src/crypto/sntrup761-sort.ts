// Owns sorting whose steps depend on the number of elements only: Batcher's merge exchange. Knows nothing of what the
// numbers stand for.

/** Sorts in place, ascending. Takes the same steps whatever the numbers are. */
export const sortObliviously = (numbers: Int32Array): void => {
  const count = numbers.length
  if (count < 2) return
  // Knuth, The Art of Computer Programming 3, §5.2.2, algorithm M.
  const top = 2 ** (Math.ceil(Math.log2(count)) - 1)
  for (let half = top; half > 0; half >>= 1) {
    let distance = half
    let offset = 0
    for (let width = top; ; width >>= 1) {
      for (let i = 0; i < count - distance; i++) if ((i & half) === offset) order(numbers, i, i + distance)
      if (width === half) break
      distance = width - half
      offset = half
    }
  }
}

/** Leaves the smaller of two numbers in `low` and the larger in `high`. */
const order = (numbers: Int32Array, low: number, high: number): void => {
  const a = numbers[low]
  const b = numbers[high]
  const difference = (b - a) | 0
  // The sign of b - a as if it had not overflowed.
  const less = (difference ^ ((a ^ b) & (difference ^ b))) >> 31
  const change = (a ^ b) & less
  numbers[low] = a ^ change
  numbers[high] = b ^ change
}

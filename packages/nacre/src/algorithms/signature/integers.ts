// Owns small questions about unsigned big-endian magnitudes: how long, how large, padded to a size. Knows no algorithm.

/** Drops leading zero bytes. A view. */
export const trimmed = (magnitude: Uint8Array): Uint8Array => {
  let start = 0
  while (start < magnitude.length && magnitude[start] === 0) start++
  return magnitude.subarray(start)
}

/** Bits of the number, leading zeros not counted. */
export const bitLength = (magnitude: Uint8Array): number => {
  const digits = trimmed(magnitude)
  return digits.length === 0 ? 0 : digits.length * 8 - Math.clz32(digits[0]) + 24
}

/** `magnitude` in exactly `size` bytes, or `undefined` when it does not fit. */
export const paddedTo = (magnitude: Uint8Array, size: number): Uint8Array | undefined => {
  const digits = trimmed(magnitude)
  if (digits.length > size) return undefined
  const padded = new Uint8Array(size)
  padded.set(digits, size - digits.length)
  return padded
}

export const isOdd = (magnitude: Uint8Array): boolean => magnitude.length > 0 && (magnitude[magnitude.length - 1] & 1) === 1

/** The number, for the few checks that need arithmetic. Takes a time that depends on the value. */
export const toBigInt = (magnitude: Uint8Array): bigint => {
  let digits = '0x0'
  for (const byte of magnitude) digits += byte.toString(16).padStart(2, '0')
  return BigInt(digits)
}

// Owns unsigned big-endian integers as bytes: their width, their form in a fixed number of bytes, and as BigInt. Knows
// nothing of what the numbers are. BigInt takes a time that depends on the numbers: see where it is used.

/** How many bytes are left without leading zeros. */
export const widthOf = (magnitude: Uint8Array): number => {
  const first = magnitude.findIndex(byte => byte !== 0)
  return first === -1 ? 0 : magnitude.length - first
}

/** `magnitude` in exactly `size` bytes, as a copy. Throws `RangeError` when it has more. */
export const widened = (magnitude: Uint8Array, size: number): Uint8Array => {
  let start = 0
  while (magnitude.length - start > size && magnitude[start] === 0) start++
  const given = magnitude.length - start
  if (given > size) throw new RangeError(`a number of ${magnitude.length} bytes where ${size} are the most`)
  const out = new Uint8Array(size)
  out.set(magnitude.subarray(start), size - given)
  return out
}

/** `bytes` if there are `size` of them, else a `RangeError`. */
export const sized = (bytes: Uint8Array, size: number, what: string): Uint8Array => {
  if (bytes.length !== size) throw new RangeError(`${what} has ${size} bytes, not ${bytes.length}`)
  return bytes
}

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export const toBig = (magnitude: Uint8Array): bigint => {
  let digits = '0x0'
  for (let i = 0; i < magnitude.length; i++) digits += pairs[magnitude[i]]
  return BigInt(digits)
}

/** Without leading zeros; zero is one byte. */
export const fromBig = (value: bigint): Uint8Array => {
  const digits = value.toString(16)
  const even = digits.padStart(digits.length + (digits.length % 2), '0')
  return Uint8Array.from({ length: even.length / 2 }, (_, i) => Number.parseInt(even.slice(2 * i, 2 * i + 2), 16))
}

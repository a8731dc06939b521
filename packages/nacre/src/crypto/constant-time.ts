// Owns comparisons that take the same time whatever the contents. Knows nothing of what is compared.

/** True when both have the same length and bytes. Takes a time that depends on the lengths only. */
export const equalBytes = (left: Uint8Array, right: Uint8Array): boolean => {
  if (left.length !== right.length) return false
  let difference = 0
  for (let i = 0; i < left.length; i++) difference |= left[i] ^ right[i]
  return difference === 0
}

/** Like `equalBytes`, over two regions of `length` bytes. The caller has checked that both are long enough. */
export const equalRegions = (left: Uint8Array, leftStart: number, right: Uint8Array, rightStart: number, length: number): boolean => {
  let difference = 0
  for (let i = 0; i < length; i++) difference |= left[leftStart + i] ^ right[rightStart + i]
  return difference === 0
}

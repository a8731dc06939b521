// Owns bytes that count how often each of them is read. Knows nothing of who reads them.

export interface Counted {
  /** Only indexing and `length` work. */
  readonly bytes: Uint8Array
  /** Reads of each byte so far. */
  readonly reads: number[]
}

/** A real Uint8Array cannot be watched; what only indexes cannot tell this from one. */
export const counted = (source: Uint8Array): Counted => {
  const reads = Array.from(source, () => 0)
  const bytes = { length: source.length }
  for (const [at, value] of source.entries()) {
    Object.defineProperty(bytes, at, {
      enumerable: true,
      get: () => {
        reads[at]++
        return value
      },
    })
  }
  return { bytes: bytes as unknown as Uint8Array, reads }
}

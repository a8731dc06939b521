// Owns making an input smaller while it still shows the same fault: pieces are left out, the largest first, then what is left
// becomes as plain as can be. Knows nothing of what the input means.
import { spliced } from './mutate.ts'

const nothing = new Uint8Array(0)

/** The smallest input found with at most `tries` attempts for which `fails` still holds. */
export const minimised = async (input: Uint8Array, fails: (smaller: Uint8Array) => Promise<boolean>, tries = 3000): Promise<Uint8Array> => {
  let smallest: Uint8Array = input.slice()
  let left = tries
  const attempt = async (smaller: Uint8Array): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(smaller))) return false
    smallest = smaller
    return true
  }
  for (let size = smallest.length; size >= 1 && left > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length && left > 0;) {
      if (!(await attempt(spliced(smallest, at, Math.min(smallest.length, at + size), nothing)))) at += size
    }
  }
  for (let at = 0; at < smallest.length && left > 0; at++) {
    for (const plain of [0, 0x30]) {
      if (smallest[at] === plain || smallest[at] === 0) break
      const simpler = smallest.slice()
      simpler[at] = plain
      if (await attempt(simpler)) break
    }
  }
  return smallest
}

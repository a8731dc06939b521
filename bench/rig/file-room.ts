// Owns where files of a measurement lie: in memory, so that no disk is measured, open to whoever serves them, and gone
// afterwards. Knows nothing of who moves them.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  closeSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const MiB = 2 ** 20

/** Bytes that do not compress and hold no zero blocks, the same at every call for one `seed`. */
const noise = (seed: number, length: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed * 2654435761 + 1
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[at] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

export class FileRoom implements Disposable {
  readonly folder: string
  #count = 0

  constructor() {
    this.folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'nacre-bench-'))
    chmodSync(this.folder, 0o777)
  }

  /** A path nobody has used yet. */
  fresh(name: string): string {
    return join(this.folder, `${name}-${++this.#count}`)
  }

  file(name: string, bytes: number): string {
    const path = join(this.folder, name)
    const block = noise(bytes, Math.min(bytes, MiB))
    const file = openSync(path, 'w', 0o644)
    for (let left = bytes; left > 0; left -= block.length) writeSync(file, block, 0, Math.min(left, block.length))
    closeSync(file)
    return path
  }

  /** A folder of `count` files of `bytes` each. */
  tree(name: string, count: number, bytes: number): string {
    const path = join(this.folder, name)
    mkdirSync(path)
    for (let index = 0; index < count; index++) this.file(join(name, `file-${String(index).padStart(6, '0')}.txt`), bytes)
    return path
  }

  drop(path: string): void {
    rmSync(path, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const piece = 4 * MiB

/** Throws unless both hold the same bytes. */
export const sameFile = (left: string, right: string): void => {
  const { size } = statSync(left)
  if (statSync(right).size !== size) throw new Error(`${right} has ${statSync(right).size} bytes of ${size}`)
  const [a, b] = [openSync(left, 'r'), openSync(right, 'r')]
  const [one, other] = [Buffer.alloc(piece), Buffer.alloc(piece)]
  try {
    for (let at = 0; at < size; at += piece) {
      const count = readSync(a, one, 0, piece, at)
      readSync(b, other, 0, piece, at)
      if (!one.subarray(0, count).equals(other.subarray(0, count))) throw new Error(`${right} differs from ${left} behind byte ${at}`)
    }
  } finally {
    closeSync(a)
    closeSync(b)
  }
}

/** Throws unless both folders hold the same files. */
export const sameTree = (left: string, right: string): void => {
  const names = readdirSync(left).sort()
  const others = readdirSync(right).sort()
  if (names.join('\n') !== others.join('\n'))
    throw new Error(`${right} has ${others.length} entries, ${left} has ${names.length}, or others`)
  for (const name of names) sameFile(join(left, name), join(right, name))
}

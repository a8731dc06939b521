// Folders on the disk for a model's operations: as deep as is needed for nothing to climb out of them, each of the same
// length of name, cleared whatever modes were set inside.
import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { depth } from './operations.ts'

/** More folders than the forty symbolic links of one way, each a step up, and a path can climb. */
const below = '/n'.repeat(depth)
const prefix = join(tmpdir(), 'model-')

/** What a folder on the disk is called for the model: as long as any. */
export const deepBase = `${prefix}000000${below}`
/** Where there is no disk, nothing can climb anywhere. */
export const virtualBase = '/n/n/n'

export interface DiskPlace {
  readonly top: string
  /** The folder all happens in. */
  readonly base: string
}

export const makePlace = (): DiskPlace => {
  const top = mkdtempSync(prefix)
  const base = top + below
  mkdirSync(base, { recursive: true, mode: 0o755 })
  chmodSync(top, 0o755)
  return { top, base }
}

/** Folders that may not be looked into stand in the way of who is not root. */
const open = (path: Buffer): void => {
  chmodSync(path, 0o700)
  for (const name of readdirSync(path, { encoding: 'buffer' })) {
    const inside = Buffer.concat([path, Buffer.from('/'), name])
    if (lstatSync(inside).isDirectory()) open(inside)
  }
}

export const clearPlace = ({ top }: DiskPlace): void => {
  if (process.getuid?.() !== 0) open(Buffer.from(top))
  rmSync(top, { recursive: true, force: true })
}

/** What leads to the folder is as at the start, whatever was done to it from inside. */
export const reopenPlace = ({ top, base }: DiskPlace): void => {
  for (let at = dirname(base); at.startsWith(top); at = dirname(at)) {
    chmodSync(at, 0o755)
    chownSync(at, 0, 0)
  }
}

// Owns the one private folder of a test process, and that it goes with the process. Knows nothing of what is put there.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let made: string | undefined
let counter = 0

/** The folder. Others may pass through it, because a server that became another user must reach that user's home. */
export const folder = (): string => {
  if (made === undefined) {
    const path = mkdtempSync(join(tmpdir(), 'nacre-interop-'))
    chmodSync(path, 0o711)
    process.on('exit', () => rmSync(path, { recursive: true, force: true }))
    made = path
  }
  return made
}

/** A path in it that nobody has used yet. */
export const freshPath = (name: string): string => join(folder(), `${++counter}-${name}`)

/** A new file with this text; private unless `mode` says otherwise. */
export const freshFile = (name: string, text: string | Uint8Array, mode = 0o600): string => {
  const path = freshPath(name)
  writeFileSync(path, text, { mode })
  chmodSync(path, mode)
  return path
}

/** A new folder; private unless `mode` says otherwise. */
export const freshFolder = (name: string, mode = 0o700): string => {
  const path = freshPath(name)
  mkdirSync(path)
  chmodSync(path, mode)
  return path
}

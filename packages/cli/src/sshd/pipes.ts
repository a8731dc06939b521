// Owns real pipes for the standard streams of commands. Node joins a child by socket pairs, and a socket cannot be opened
// by name: `echo … >/dev/stderr`, common in scripts, would fail. Node cannot make pipes either, so mkfifo(1) makes named
// ones, some at a time, which are opened and unlinked at once. Knows nothing of what runs.
import { execFile } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Two descriptors, both ours to close. */
export interface Pipe {
  readonly read: number
  readonly write: number
}

const run = promisify(execFile)

/** Pipes made at once: enough for eight commands. */
const batch = 24
const ready: Pipe[] = []
let making: Promise<void> | undefined
let impossible = false

const openPipe = (path: string): Pipe => {
  // Opened for both, a named pipe waits for nobody; that end only holds it while the real ends are opened.
  const holder = openSync(path, constants.O_RDWR)
  try {
    const read = openSync(path, constants.O_RDONLY)
    return { read, write: openSync(path, constants.O_WRONLY) }
  } finally {
    closeSync(holder)
  }
}

const make = async (): Promise<void> => {
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'nacre-'))
    const paths = Array.from({ length: batch }, (_, index) => join(folder ?? '', String(index)))
    await run('mkfifo', ['-m', '600', '--', ...paths], { timeout: 10_000 })
    for (const path of paths) ready.push(openPipe(path))
  } catch {
    // Then it is socket pairs.
    impossible = true
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
    making = undefined
  }
}

/** `count` pipes, or `undefined` where none can be made. More are made ahead for the next who asks. */
export const takePipes = async (count: number): Promise<readonly Pipe[] | undefined> => {
  while (!impossible && ready.length < count) await (making ??= make())
  if (ready.length < count) return undefined
  const taken = ready.splice(0, count)
  if (ready.length < count) making ??= make()
  return taken
}

/** Closes what was made ahead. */
export const closePipes = (): void => {
  for (const { read, write } of ready.splice(0)) {
    closeSync(read)
    closeSync(write)
  }
}

// Owns real pipes for the standard streams of commands. Node joins a child by socket pairs, and a socket cannot be opened
// by name: `echo … >/dev/stderr`, common in scripts, would fail. Node cannot make pipes, but shells do, for the text of a
// here-document; we open both ends of those through /proc, some at a time. (Named pipes would not do: opening one by name
// waits for the other end, for good when that has been closed.) Knows nothing of what runs.
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { spawnClean } from '../spawn.ts'

/** Two descriptors, both ours to close. */
export interface Pipe {
  readonly read: number
  readonly write: number
}

const ready: Pipe[] = []
let making: Promise<void> | undefined
let impossible = process.platform !== 'linux'

/** A shell and how many it can make at once: bash stops at 16 texts, others know descriptors of one digit only. */
const shell = (): { readonly file: string; readonly options: readonly string[]; readonly count: number } => {
  const bash = ['/bin/bash', '/usr/bin/bash'].find(path => existsSync(path))
  // Bash would read ~/.bashrc when its input is a socket.
  return bash === undefined ? { file: '/bin/sh', options: [], count: 6 } : { file: bash, options: ['--norc', '-p'], count: 15 }
}
const firstDescriptor = 3

/** Both ends of a pipe that process `pid` holds one end of. */
const openEnds = (pid: number, descriptor: number): Pipe => {
  const path = `/proc/${pid}/fd/${descriptor}`
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  // Some shells use a file instead; its text would be the same for ever.
  if (!fstatSync(read).isFIFO()) throw new TypeError('no pipe')
  const text = Buffer.alloc(16)
  readSync(read, text)
  closeSync(read)
  return { write: openSync(path, constants.O_WRONLY), read: openSync(path, constants.O_RDONLY) }
}

const make = (): Promise<void> =>
  new Promise(resolve => {
    const { file, options, count } = shell()
    const descriptors = Array.from({ length: count }, (_, index) => firstDescriptor + index)
    // An empty text would be /dev/null.
    const texts = 'x\nE\n'.repeat(count)
    const child = spawnClean(file, [...options, '-c', `exec ${descriptors.map(each => `${each}<<E`).join(' ')}\n${texts}echo; read line`], {
      env: {},
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const done = (failed: boolean): void => {
      impossible ||= failed
      making = undefined
      child.stdin?.destroy()
      child.stdout?.destroy()
      resolve()
    }
    child.on('error', () => done(true))
    child.stdin?.on('error', () => {})
    child.stdout?.on('error', () => {})
    child.stdout?.once('end', () => done(ready.length === 0))
    child.stdout?.once('data', () => {
      try {
        for (const each of descriptors) ready.push(openEnds(child.pid ?? 0, each))
        done(false)
      } catch {
        // Then it is socket pairs.
        done(ready.length === 0)
      }
    })
  })

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

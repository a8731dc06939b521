// Owns starting processes that inherit nothing but what they are given. Node closes its own descriptors in a child, but
// not those that native code opened (the masters of terminals) or that we inherited ourselves: with them a session could
// read another user's terminal. Knows nothing of what is started.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { openSync, readdirSync, readFileSync } from 'node:fs'

const closeOnExec = 0o2000000

let inheritable: Set<number> | undefined
let nothing: number | undefined

/** Descriptors above 2 that we were started with and that children would get too. */
const inheritedFromParent = (): Set<number> => {
  const found = new Set<number>()
  try {
    for (const name of readdirSync('/proc/self/fdinfo')) {
      if (Number(name) < 3) continue
      try {
        const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'latin1'))
        if (flags !== null && (Number.parseInt(flags[1], 8) & closeOnExec) === 0) found.add(Number(name))
      } catch {
        // It was the descriptor of the folder itself.
      }
    }
  } catch {
    // Without /proc only what we know of ourselves is masked.
  }
  return found
}

const known = (): Set<number> => (inheritable ??= inheritedFromParent())

/** Tells of a descriptor that a child would inherit, until `forgetDescriptor`. */
export const maskDescriptor = (descriptor: number): void => {
  known().add(descriptor)
}
export const forgetDescriptor = (descriptor: number): void => {
  known().delete(descriptor)
}

export type Stdio = 'ignore' | 'pipe' | 'inherit' | number

/**
 * Like `spawn` of Node, but each descriptor a child must not have is replaced by /dev/null in it. `stdio` lists what
 * the child gets, from descriptor 0 on; missing ones among the first three are /dev/null.
 */
export const spawnClean = (
  command: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'stdio'> & { readonly stdio: readonly Stdio[] },
): ChildProcess => {
  const stdio: Stdio[] = [...options.stdio]
  while (stdio.length < 3) stdio.push('ignore')
  const given = stdio.length
  const last = Math.max(-1, ...known())
  if (last >= given) nothing ??= openSync('/dev/null', 'r+')
  // 'ignore' above descriptor 2 leaves the place as it is.
  for (let descriptor = given; descriptor <= last; descriptor++)
    stdio.push(known().has(descriptor) && nothing !== undefined ? nothing : 'ignore')
  return spawn(command, args, { ...options, stdio })
}

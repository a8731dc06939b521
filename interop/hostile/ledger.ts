// Owns counting what a process holds: descriptors, sockets and timers of Node, memory. Knows nothing of what they are for.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { eventually } from './attacker.ts'

/** Open descriptors of a process. */
export const descriptorsOf = (pid: number | 'self' = 'self'): number => readdirSync(`/proc/${pid}/fd`).length

/** Those of them that are sockets. */
export const socketsOf = (pid: number): number =>
  readdirSync(`/proc/${pid}/fd`).filter(each => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${each}`).startsWith('socket:')
    } catch {
      // It was closed since.
      return false
    }
  }).length

/** Resident memory of a process in bytes. */
export const residentOf = (pid: number | 'self' = 'self'): number => {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  if (found === null) throw new Error(`process ${pid} has no memory`)
  return Number(found[1]) * 1024
}

const sockets = (): number => process.getActiveResourcesInfo().filter(each => each === 'TCPSocketWrap').length

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use, after everything that can be given up was. */
export const heldMemory = async (): Promise<number> => {
  for (let i = 0; i < 3; i++) {
    collect()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

export interface Holdings {
  readonly descriptors: number
  readonly sockets: number
}

export const holdings = (): Holdings => ({ descriptors: descriptorsOf(), sockets: sockets() })

/** Waits until no more descriptors and sockets are held than `before`. */
export const backTo = (before: Holdings): Promise<void> =>
  eventually(
    () => {
      const now = holdings()
      return now.descriptors <= before.descriptors && now.sockets <= before.sockets
    },
    () => `what is held (${JSON.stringify(holdings())}) is what was held before (${JSON.stringify(before)})`,
    10,
  )

// Owns what a process of a soak says about itself when it is at rest: memory after collection, descriptors, timers and
// handles. Knows nothing of what it did before.
import { readdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'

/** Bytes, and counts. */
export interface Sample {
  /** Objects, and buffers outside the heap. */
  readonly heap: number
  readonly external: number
  readonly resident: number
  readonly descriptors: number
  /** What keeps the event loop busy, by kind. */
  readonly resources: Readonly<Record<string, number>>
}

/** A socket that closes goes through several turns, and finalizers need one after each collection. */
const collections = 4

export const takeSample = async (): Promise<Sample> => {
  const { gc } = globalThis
  if (gc === undefined) throw new TypeError('a soak needs --expose-gc')
  for (let i = 0; i < collections; i++) {
    await gc({ execution: 'async', type: 'major' })
    await turn()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  const resources: Record<string, number> = {}
  for (const each of process.getActiveResourcesInfo()) resources[each] = (resources[each] ?? 0) + 1
  // The folder itself is open while it is read.
  return { heap: heapUsed, external, resident: rss, descriptors: readdirSync('/proc/self/fd').length - 1, resources }
}

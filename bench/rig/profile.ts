// Owns profiles of our own sites while they work, and the list of functions that cost most. Knows nothing of the work.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from './site.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const shown = 30

/** The functions with most self time: percent of all samples that were not idle. */
const topOf = (file: string): string => {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const place = url === '' ? '' : ` ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`
      return [id, `${functionName === '' ? '(anonymous)' : functionName}${place}`] as const
    }),
  )
  const spent = new Map<string, number>()
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '?'
    spent.set(name, (spent.get(name) ?? 0) + timeDeltas[index])
  })
  const idle = spent.get('(idle)') ?? 0
  spent.delete('(idle)')
  const busy = [...spent.values()].reduce((sum, each) => sum + each, 0)
  const rows = [...spent].toSorted(([, a], [, b]) => b - a).slice(0, shown)
  const lines = rows.map(([name, time]) => `  ${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`)
  return [`${file}: ${(busy / 1e6).toFixed(2)} s busy, ${(idle / 1e6).toFixed(2)} s idle`, ...lines].join('\n')
}

interface HeapNode {
  readonly callFrame: Profile['nodes'][number]['callFrame']
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

/** Runs `work` and prints who allocated what is left of it in `site`, in bytes for each of `count`. */
export const heapProfiled = async (
  folder: string,
  name: string,
  site: Site,
  count: number,
  work: () => Promise<unknown>,
): Promise<void> => {
  await site.call('startHeapProfile')
  await work()
  const file = join(folder, `${name}.heapprofile`)
  await site.call('stopHeapProfile', { file })
  const { head } = JSON.parse(readFileSync(file, 'utf8')) as { head: HeapNode }
  const held = new Map<string, number>()
  let total = 0
  const walk = ({ callFrame, selfSize, children }: HeapNode, caller: string): void => {
    // What built-ins allocate is put down to whoever called them.
    const { functionName, url, lineNumber } = callFrame
    const own =
      url === '' ? caller : `${functionName === '' ? '(anonymous)' : functionName} ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`
    held.set(own, (held.get(own) ?? 0) + selfSize)
    total += selfSize
    for (const child of children) walk(child, own)
  }
  walk(head, '(program)')
  console.log(`${file}: ${Math.round(total / count)} bytes of JavaScript objects each`)
  for (const [place, size] of [...held].toSorted(([, a], [, b]) => b - a).slice(0, shown))
    console.log(`  ${String(Math.round(size / count)).padStart(6)}  ${place}`)
}

/** Runs `work` while all `sites` profile themselves, and prints what costs most in each. */
export const profiled = async (
  folder: string,
  name: string,
  sites: Readonly<Record<string, Site>>,
  work: () => Promise<unknown>,
): Promise<void> => {
  for (const site of Object.values(sites)) await site.call('startProfile')
  await work()
  for (const [role, site] of Object.entries(sites)) {
    const file = join(folder, `${name}-${role}.cpuprofile`)
    await site.call('stopProfile', { file })
    console.log(topOf(file))
  }
}

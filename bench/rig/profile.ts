// Owns profiles of sites while they work: which functions cost most CPU, who allocates, and what an idle site holds. Knows
// nothing of the work.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { growth } from './heap.ts'
import type { Site } from './site.ts'

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame; readonly children?: readonly number[] }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

type Sites = Readonly<Record<string, Site>>

const shown = 30
/** Functions of `sites/calls.ts` that are busy with the profile itself. */
const ofTheBench: ReadonlySet<string> = new Set(['answerBench', 'startProfile', 'stopProfile'])

const nameOf = ({ functionName, url, lineNumber }: CallFrame): string => {
  const name = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? name : `${name} ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`
}

const isOurs = ({ url }: CallFrame): boolean => url.startsWith('file:')

const tally = (table: Map<string, number>, name: string, amount: number): void => void table.set(name, (table.get(name) ?? 0) + amount)

const lines = (table: ReadonlyMap<string, number>, line: (name: string, amount: number) => string): readonly string[] =>
  [...table]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, amount]) => line(name, amount))

/** The functions with most CPU, alone and with all they call: percent of what was not idle, and microseconds for each of `count`. */
const cpuTop = (file: string, count: number): string => {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
  const byId = new Map(nodes.map(node => [node.id, node]))
  const own = new Map<number, number>()
  samples.forEach((id, index) => own.set(id, (own.get(id) ?? 0) + timeDeltas[index]))
  const alone = new Map<string, number>()
  const whole = new Map<string, number>()
  let [busy, idle] = [0, 0]
  /** Returns the time of the node and all below it; `above` are the functions that are running already, so none counts twice. */
  const walk = (id: number, caller: string, above: ReadonlySet<string>): number => {
    const node = byId.get(id)
    if (node === undefined) return 0
    const { callFrame } = node
    const name = nameOf(callFrame)
    const time = own.get(id) ?? 0
    // What the bench itself asks for is no part of the work.
    if (ofTheBench.has(callFrame.functionName)) return 0
    if (name === '(idle)') {
      idle += time
      return 0
    }
    busy += time
    // What is native, or Node's own, costs what it costs because of whoever called it.
    const mine = isOurs(callFrame)
    tally(alone, mine || caller === '' ? name : `${name} ← ${caller}`, time)
    const within = mine ? new Set([...above, name]) : above
    let all = time
    for (const child of node.children ?? []) all += walk(child, mine ? name : caller, within)
    if (mine && !above.has(name)) tally(whole, name, all)
    return all
  }
  walk(nodes[0].id, '', new Set())
  const line = (name: string, time: number): string =>
    `  ${((100 * time) / busy).toFixed(1).padStart(5)} %  ${(time / count).toFixed(1).padStart(9)} µs  ${name}`
  return [
    `${file}: ${(busy / 1e6).toFixed(2)} s busy, ${(busy / count).toFixed(1)} µs each; ${(idle / 1e6).toFixed(2)} s idle`,
    ' alone',
    ...lines(alone, line),
    ' with all they call',
    ...lines(whole, line),
  ].join('\n')
}

interface HeapNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly HeapNode[]
}

/** Who allocates most, in bytes for each of `count`; what built-ins allocate is put down to whoever called them. */
const allocationTop = (file: string, count: number): string => {
  const { head } = JSON.parse(readFileSync(file, 'utf8')) as { head: HeapNode }
  const held = new Map<string, number>()
  let total = 0
  const walk = ({ callFrame, selfSize, children }: HeapNode, caller: string, callersCaller: string): void => {
    const mine = isOurs(callFrame)
    const [own, above] = mine ? [nameOf(callFrame), caller] : [caller, callersCaller]
    tally(held, above === '' ? own : `${own} ← ${above}`, selfSize)
    total += selfSize
    for (const child of children) walk(child, own, above)
  }
  walk(head, '(program)', '')
  return [
    `${file}: ${Math.round(total / count)} bytes of JavaScript objects each`,
    ...lines(
      held,
      (name, size) => `  ${((100 * size) / total).toFixed(1).padStart(5)} %  ${String(Math.round(size / count)).padStart(7)} B  ${name}`,
    ),
  ].join('\n')
}

/** Runs `work`, which is `count` pieces, twice while all `sites` profile themselves, and prints what costs CPU and who allocates. */
export const profiled = async (folder: string, name: string, sites: Sites, count: number, work: () => Promise<unknown>): Promise<void> => {
  const fileName = (role: string, kind: string): string => join(folder, `${name.replaceAll(' ', '-')}-${role}.${kind}`)
  for (const site of Object.values(sites)) await site.call('startProfile')
  await work()
  for (const [role, site] of Object.entries(sites)) {
    const file = fileName(role, 'cpuprofile')
    await site.call('stopProfile', { file })
    console.log(`\n${cpuTop(file, count)}`)
  }
  for (const site of Object.values(sites)) await site.call('startAllocationProfile')
  await work()
  for (const [role, site] of Object.entries(sites)) {
    const file = fileName(role, 'heapprofile')
    await site.call('stopAllocationProfile', { file })
    console.log(`\n${allocationTop(file, count)}`)
  }
}

/** Runs `work`, which leaves `count` things behind, and prints what the heap of each of `sites` holds for them. */
export const heapGrowth = async (
  folder: string,
  name: string,
  sites: Sites,
  count: number,
  work: () => Promise<unknown>,
): Promise<void> => {
  const fileName = (role: string, when: string): string => join(folder, `${name.replaceAll(' ', '-')}-${role}-${when}.heapsnapshot`)
  const before = new Map<string, NodeJS.MemoryUsage>()
  for (const [role, site] of Object.entries(sites)) before.set(role, await site.call('snapshot', { file: fileName(role, 'before') }))
  await work()
  for (const [role, site] of Object.entries(sites)) {
    const file = fileName(role, 'after')
    const memory = await site.call<NodeJS.MemoryUsage>('snapshot', { file })
    const { total, kinds, own, retained } = growth(fileName(role, 'before'), file)
    const each = (amount: number): string => String(Math.round(amount / count))
    const grown = Object.entries(memory).map(
      ([what, bytes]) => `${what} ${each(bytes - (before.get(role)?.[what as keyof NodeJS.MemoryUsage] ?? 0))}`,
    )
    console.log(`\n${file}: ${each(total)} bytes of new objects each; ${grown.join(', ')}`)
    const row = ({ what, bytes, objects }: (typeof own)[number]): string =>
      `  ${each(bytes).padStart(6)} B  ${(objects / count).toFixed(1).padStart(6)} of  ${what}`
    const lists = { 'own size': kinds, 'own size, by holder': own, 'with what only they hold': retained }
    for (const [title, list] of Object.entries(lists)) console.log([` ${title}`, ...list.slice(0, 2 * shown).map(row)].join('\n'))
  }
}

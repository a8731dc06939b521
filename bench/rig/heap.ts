// Owns reading heap snapshots: what is there in the second that was not in the first, by constructor and by who holds it.
// Knows nothing of what the process did in between.
import { readFileSync } from 'node:fs'

interface Raw {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[]
      readonly node_types: readonly [readonly string[], ...unknown[]]
      readonly edge_fields: readonly string[]
      readonly edge_types: readonly [readonly string[], ...unknown[]]
    }
  }
  readonly nodes: readonly number[]
  readonly edges: readonly number[]
  readonly strings: readonly string[]
}

interface Graph {
  readonly count: number
  readonly selfSize: (node: number) => number
  readonly id: (node: number) => number
  /** The constructor of an object, the kind of everything else. */
  readonly label: (node: number) => string
  /** Calls `visit` for every edge that keeps its end alive. */
  readonly edges: (node: number, visit: (to: number, name: string) => void) => void
}

/** Text and code have long names of their own; what kind they are says more. */
const labelOf = (kind: string, name: string): string => {
  if (kind === 'object' || kind === 'native') return name
  if (kind === 'closure') return `function ${name}`
  return kind === 'hidden' || kind === 'object shape' || kind === 'array' ? name || kind : `(${kind})`
}

const graphOf = (file: string): Graph => {
  const { snapshot, nodes, edges, strings } = JSON.parse(readFileSync(file, 'utf8')) as Raw
  const { node_fields: nodeFields, node_types: nodeTypes, edge_fields: edgeFields, edge_types: edgeTypes } = snapshot.meta
  const nodeSize = nodeFields.length
  const edgeSize = edgeFields.length
  const at = (field: string): number => nodeFields.indexOf(field)
  const [type, name, id, size, edgeCount] = ['type', 'name', 'id', 'self_size', 'edge_count'].map(at)
  const [edgeType, edgeName, edgeTo] = ['type', 'name_or_index', 'to_node'].map(field => edgeFields.indexOf(field))
  const count = nodes.length / nodeSize
  const firstEdge = new Uint32Array(count + 1)
  for (let node = 0; node < count; node++) firstEdge[node + 1] = firstEdge[node] + nodes[node * nodeSize + edgeCount]
  const byNumber = new Set(['element', 'hidden'])
  return {
    count,
    selfSize: node => nodes[node * nodeSize + size],
    id: node => nodes[node * nodeSize + id],
    label: node => labelOf(nodeTypes[0][nodes[node * nodeSize + type]], strings[nodes[node * nodeSize + name]]),
    edges(node, visit) {
      for (let edge = firstEdge[node]; edge < firstEdge[node + 1]; edge++) {
        const kind = edgeTypes[0][edges[edge * edgeSize + edgeType]]
        if (kind === 'weak') continue
        const raw = edges[edge * edgeSize + edgeName]
        visit(edges[edge * edgeSize + edgeTo] / nodeSize, byNumber.has(kind) ? '[]' : strings[raw])
      }
    },
  }
}

interface Holders {
  /** Nodes, nearest to the root first. */
  readonly order: readonly number[]
  /** By node: the nearest node that holds it, and as what. */
  readonly parent: Int32Array
  readonly as: readonly (string | undefined)[]
}

const holdersOf = ({ count, edges }: Graph): Holders => {
  const parent = new Int32Array(count).fill(-1)
  const as: (string | undefined)[] = []
  const order = [0]
  parent[0] = 0
  for (let next = 0; next < order.length; next++) {
    const node = order[next]
    edges(node, (to, name) => {
      if (parent[to] !== -1) return
      parent[to] = node
      as[to] = name
      order.push(to)
    })
  }
  return { order, parent, as }
}

/** The node through which alone each node is reached, by the iteration of Cooper, Harvey and Kennedy. */
const dominatorsOf = (graph: Graph): { readonly order: readonly number[]; readonly dominator: Int32Array } => {
  // Reverse postorder of a walk in depth, without recursion.
  const targets: number[][] = Array.from({ length: graph.count }, () => [])
  for (let node = 0; node < graph.count; node++) graph.edges(node, to => targets[node].push(to))
  const seen = new Uint8Array(graph.count)
  const next = new Uint32Array(graph.count)
  const postorder: number[] = []
  const stack = [0]
  seen[0] = 1
  while (stack.length > 0) {
    const node = stack[stack.length - 1]
    if (next[node] === targets[node].length) {
      postorder.push(node)
      stack.pop()
      continue
    }
    const to = targets[node][next[node]++]
    if (seen[to] === 1) continue
    seen[to] = 1
    stack.push(to)
  }
  const order = postorder.toReversed()
  const rank = new Int32Array(graph.count).fill(-1)
  for (const [index, node] of order.entries()) rank[node] = index
  const sources: number[][] = Array.from({ length: graph.count }, () => [])
  for (const node of order) for (const to of targets[node]) sources[to].push(node)
  const dominator = new Int32Array(graph.count).fill(-1)
  dominator[0] = 0
  for (let changed = true; changed;) {
    changed = false
    for (const node of order) {
      if (node === 0) continue
      let found = -1
      for (const source of sources[node]) {
        if (dominator[source] === -1) continue
        if (found === -1) found = source
        else {
          let [a, b] = [found, source]
          while (a !== b) {
            if (rank[a] > rank[b]) a = dominator[a]
            else b = dominator[b]
          }
          found = a
        }
      }
      if (dominator[node] !== found) {
        dominator[node] = found
        changed = true
      }
    }
  }
  return { order, dominator }
}

export interface Held {
  readonly what: string
  readonly bytes: number
  readonly objects: number
}

export interface Growth {
  /** Bytes of all new objects. */
  readonly total: number
  /** New objects by kind, their own bytes. */
  readonly kinds: readonly Held[]
  /** The same by kind and holder. */
  readonly own: readonly Held[]
  /** New objects by kind, with the new objects that only they keep alive. */
  readonly retained: readonly Held[]
}

const largestFirst = (table: ReadonlyMap<string, { bytes: number; objects: number }>): readonly Held[] =>
  [...table].map(([what, { bytes, objects }]) => ({ what, bytes, objects })).toSorted((a, b) => b.bytes - a.bytes)

const add = (table: Map<string, { bytes: number; objects: number }>, what: string, bytes: number): void => {
  const sum = table.get(what) ?? { bytes: 0, objects: 0 }
  sum.bytes += bytes
  sum.objects++
  table.set(what, sum)
}

/** What the snapshot in `after` holds that the one in `before`, of the same process, did not. */
export const growth = (before: string, after: string): Growth => {
  const old = new Set<number>()
  const first = graphOf(before)
  for (let node = 0; node < first.count; node++) old.add(first.id(node))
  const graph = graphOf(after)
  const isNew = (node: number): boolean => !old.has(graph.id(node))
  const { order, parent, as } = holdersOf(graph)
  const kinds = new Map<string, { bytes: number; objects: number }>()
  const own = new Map<string, { bytes: number; objects: number }>()
  let total = 0
  const held = (node: number): string => `${graph.label(parent[node])}.${as[node] ?? '?'}`
  for (const node of order) {
    if (!isNew(node)) continue
    total += graph.selfSize(node)
    add(kinds, graph.label(node), graph.selfSize(node))
    add(own, `${graph.label(node)}  ← ${held(node)}  ← ${held(parent[node])}`, graph.selfSize(node))
  }
  const { order: downwards, dominator } = dominatorsOf(graph)
  const kept = new Float64Array(graph.count)
  for (const node of downwards.toReversed()) {
    if (isNew(node)) kept[node] += graph.selfSize(node)
    if (node !== 0) kept[dominator[node]] += kept[node]
  }
  const retained = new Map<string, { bytes: number; objects: number }>()
  for (const node of downwards) {
    if (!isNew(node)) continue
    const label = graph.label(node)
    // A node below one of its own kind has been counted with it.
    let above = dominator[node]
    while (above !== 0 && !(isNew(above) && graph.label(above) === label)) above = dominator[above]
    if (above === 0) add(retained, label, kept[node])
  }
  return { total, kinds: largestFirst(kinds), own: largestFirst(own), retained: largestFirst(retained) }
}

// Owns what a scenario is: contenders that take turns, the figures each gives a round, and which figures are set beside
// which. Knows nothing of any scenario.
import type { Peers } from './peers.ts'

/** Figures of one contender in one round, by name. */
export type Figures = Readonly<Record<string, number>>

export interface Contender {
  readonly name: string
  /** One round. Starts and ends all processes it needs. */
  measure(): Promise<Figures>
}

/** How a figure is shown. */
export type Unit = 's/GiB' | 'MiB/s' | 'ms' | 'µs' | 'KiB' | 'MiB' | '/s'

/** A figure of a contender. */
export type Source = readonly [contender: string, figure: string]

/** What our figure divided by theirs should be: `most` for a cost, `least` for a rate. `below`: what ours should be by itself. */
export type Target = { readonly most: number } | { readonly least: number } | { readonly below: number }

/** One line of the table: a figure of ours beside one of somebody else's. */
export interface Comparison {
  readonly work: string
  readonly beside: string
  readonly unit: Unit
  readonly ours: Source
  readonly theirs: Source
  /** Left out: shown for information. */
  readonly target?: Target
  /** The same with our accelerator, which has a column of its own. */
  readonly accelerated?: { readonly ours: Source; readonly target?: Target }
}

export interface Probe {
  /** CPU and allocations while working, or what the heap holds afterwards. */
  readonly kind: 'profile' | 'heap'
  /** With our accelerator. */
  readonly accelerated: boolean
  /** Where the files go. */
  readonly folder: string
}

export interface Settings {
  /** Bytes of one bulk transfer. */
  readonly bytes: number
  /** Divides the number of sessions, connections and keystrokes. */
  readonly divisor: number
  readonly peers: Peers
  /** Looks into our own contenders instead of comparing them. */
  readonly probe: Probe | undefined
}

/** What bare Node gives, which takes as many bytes as far without SSH, beside the others: what is in reach at all. */
export interface Floor {
  /** What it does and what it leaves out. */
  readonly prose: string
  /** "Ours" are figures of bare Node; there are no targets. */
  readonly comparisons: readonly Comparison[]
}

export interface Scenario {
  readonly name: string
  readonly about: string
  /** The heading over its table, and what a reader of the figures has to know. */
  readonly title: string
  readonly prose: readonly string[]
  /** More rounds than this tell nothing new. */
  readonly mostRounds?: number
  /** Those that can run here; lines of the table with any other are left out. */
  contenders(settings: Settings): readonly Contender[]
  readonly comparisons: readonly Comparison[]
  readonly floor?: Floor
  /** More to show below the table, in Markdown, from the medians of every contender. */
  extra?(medians: ReadonlyMap<string, Figures>): string
}

/** A figure of `floor` beside the same of others, each called `beside` in the table. */
export const besideAll = (
  work: string,
  unit: Unit,
  floor: Source,
  others: readonly (readonly [beside: string, contender: string])[],
): readonly Comparison[] => others.map(([beside, contender]) => ({ work, beside, unit, ours: floor, theirs: [contender, floor[1]] }))

// Owns what a scenario is: contenders that take turns, the figures each gives a round, and which figures are set beside
// which. Knows nothing of any scenario.

/** Figures of one contender in one round, by name. */
export type Figures = Readonly<Record<string, number>>

export interface Contender {
  readonly name: string
  /** One round. Starts and ends all processes it needs. */
  measure(): Promise<Figures>
}

/** How a figure is shown. */
export type Unit = 's/GiB' | 'MiB/s' | 'ms' | 'µs' | 'KiB'

/** One line of the table: a figure of ours beside one of somebody else's. */
export interface Comparison {
  readonly work: string
  readonly beside: string
  readonly unit: Unit
  /** Contender and figure. */
  readonly ours: readonly [contender: string, figure: string]
  readonly theirs: readonly [contender: string, figure: string]
  /** What our figure divided by theirs should be; `most` for a cost, `least` for a rate. Left out: shown for information. */
  readonly target?: { readonly most: number } | { readonly least: number }
}

export interface Probe {
  /** CPU and allocations while working, or what the heap holds afterwards. */
  readonly kind: 'profile' | 'heap'
  /** Where the files go. */
  readonly folder: string
}

export interface Settings {
  /** Bytes of one bulk transfer. */
  readonly bytes: number
  /** Divides the number of sessions, connections and keystrokes. */
  readonly divisor: number
  /** Whether ssh2 has its addon. */
  readonly ssh2Addon: boolean
  /** Looks into our own contenders instead of comparing them. */
  readonly probe: Probe | undefined
}

export interface Scenario {
  readonly name: string
  readonly about: string
  contenders(settings: Settings): readonly Contender[]
  readonly comparisons: readonly Comparison[]
  /** What a reader of the figures has to know. */
  readonly notes: readonly string[]
}

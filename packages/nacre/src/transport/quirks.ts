// Owns what must be done differently for particular peers: one row each, recognised by the peer's software version.
// Empty until a peer in use proves that it needs one; every row names the transcript that shows why.

export interface Quirk {
  readonly matches: (softwareVersion: string) => boolean
  /** Extensions the peer announces or implies but handles wrongly, which must not be used with it. */
  readonly withoutExtensions: readonly string[]
}

const quirks: readonly Quirk[] = []

const none: ReadonlySet<string> = new Set()

/** The extensions not to be used with this peer. */
export const withoutExtensions = (softwareVersion: string, rows: readonly Quirk[] = quirks): ReadonlySet<string> =>
  rows.length === 0 ? none : new Set(rows.filter(row => row.matches(softwareVersion)).flatMap(row => row.withoutExtensions))

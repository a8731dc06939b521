// Owns what must be done differently for particular peers: one row each, recognised by the peer's software version.
// A row is added when a peer in use proves that it needs one, and says what showed it.

export interface Quirk {
  readonly matches: (softwareVersion: string) => boolean
  /** Extensions the peer announces or implies but handles wrongly, which must not be used with it. */
  readonly withoutExtensions?: readonly string[]
  /** Bytes of data in one message that the peer had better not be allowed to exceed. */
  readonly mostData?: number
  /** The peer leaves Nagle's algorithm on: a small packet waits until the one before it was acknowledged. */
  readonly nagle?: boolean
}

const quirks: readonly Quirk[] = [
  {
    // OpenSSH 9.2 to 10.5 (`ssh_packet_need_rekeying`): the bytes of the next packet are counted as cipher blocks against
    // RekeyLimit. With packets of 64 KiB and a limit of 1 MiB it exchanges keys for nearly every packet. Nothing is lost:
    // from a program it reads 32 KiB at a time, and sends them as they are.
    matches: softwareVersion => softwareVersion.startsWith('OpenSSH'),
    mostData: 32 * 1024,
    // Both ends turn it off for sessions with a terminal alone (`ssh_packet_set_interactive`). An answer through `ssh -L` or `sshd`
    // that came in two pieces took 40 ms more: 20 connections a second one after the other, up to 233 once they were acknowledged.
    nagle: true,
  },
]

const none: ReadonlySet<string> = new Set()

/** The extensions not to be used with this peer. */
export const withoutExtensions = (softwareVersion: string, rows: readonly Quirk[] = quirks): ReadonlySet<string> => {
  const without = rows.flatMap(row => (row.withoutExtensions !== undefined && row.matches(softwareVersion) ? row.withoutExtensions : []))
  return without.length === 0 ? none : new Set(without)
}

/** Bytes of data in one message that suit this peer. */
export const mostDataFor = (softwareVersion: string, rows: readonly Quirk[] = quirks): number => {
  let most = Number.POSITIVE_INFINITY
  for (const { matches, mostData = most } of rows) if (mostData < most && matches(softwareVersion)) most = mostData
  return most
}

/** Whether this peer waits for TCP's acknowledgement of a small packet before it sends the next. */
export const awaitsAcknowledgement = (softwareVersion: string, rows: readonly Quirk[] = quirks): boolean =>
  rows.some(({ matches, nagle }) => nagle === true && matches(softwareVersion))

/** What a connection has to know of its peer, by the software version once that is known. */
export const habitsOf = (
  softwareVersion: () => string,
): { readonly maxIncoming: () => number; readonly awaitsAcknowledgement: () => boolean } => ({
  maxIncoming: () => mostDataFor(softwareVersion()),
  awaitsAcknowledgement: () => awaitsAcknowledgement(softwareVersion()),
})

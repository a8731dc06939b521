// Owns what must be done differently for particular peers: one row each, recognised by the peer's software version.
// A row is added when a peer in use proves that it needs one, and says what showed it.

export interface Quirk {
  readonly matches: (softwareVersion: string) => boolean
  /** Extensions the peer announces or implies but handles wrongly, which must not be used with it. */
  readonly withoutExtensions?: readonly string[]
  /** Bytes of data in one message that the peer had better not be allowed to exceed. */
  readonly mostData?: number
}

const quirks: readonly Quirk[] = [
  {
    // OpenSSH 9.2 to 10.5 (`ssh_packet_need_rekeying`): the bytes of the next packet are counted as cipher blocks against
    // RekeyLimit. With packets of 64 KiB and a limit of 1 MiB it exchanges keys for nearly every packet. Nothing is lost:
    // from a program it reads 32 KiB at a time, and sends them as they are.
    matches: softwareVersion => softwareVersion.startsWith('OpenSSH'),
    mostData: 32 * 1024,
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

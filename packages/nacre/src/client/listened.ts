// Owns which of our remote forwards a channel belongs to that the server opens: by the address and port, or the path, that we asked
// it to listen on. Knows nothing of what becomes of the channel.
import { parseAddress } from '../addresses.ts'

/** Where we asked a server to listen, with the port it has. */
export interface ListenedPort {
  readonly address: string
  readonly port: number
  /** We asked for any port. */
  readonly anyPort: boolean
}

/** Whether a server that was asked for one address may call it by another: addresses it listens on in our name. */
const covers = (asked: string, told: string): boolean => {
  if (asked === told || asked === '') return true
  const bytes = parseAddress(told)
  if (asked === '0.0.0.0') return bytes?.length === 4
  if (asked === '::') return bytes !== undefined
  if (asked.toLowerCase() !== 'localhost') return false
  return told === '' || told === '::1' || (bytes?.length === 4 && bytes[0] === 127)
}

/**
 * The one that a connection to `address` and `port` of the server is for; `undefined` when nobody asked for it. OpenSSH tells the
 * address as we gave it, other servers the one that was connected to, or another name for it: the same words win, then what covers
 * them, then the only one with this port. A port that nobody asked for is never taken; AsyncSSH (2.10) says 0 where it was to
 * choose one.
 */
export const listenedAt = <Entry extends ListenedPort>(entries: Iterable<Entry>, address: string, port: number): Entry | undefined => {
  const onPort: Entry[] = []
  for (const entry of entries) if (entry.port === port || (port === 0 && entry.anyPort)) onPort.push(entry)
  return (
    onPort.find(entry => entry.address === address) ??
    onPort.find(entry => covers(entry.address, address)) ??
    (onPort.length === 1 ? onPort[0] : undefined)
  )
}

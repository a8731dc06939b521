// Owns what Linux tells in /proc of who is there: TCP connections, descriptors, memory, programs by their words. Knows nothing of SSH.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

const tried = <T>(read: () => T, otherwise: T): T => {
  try {
    return read()
  } catch {
    // It went while we looked.
    return otherwise
  }
}

export interface TcpRow {
  readonly local: number
  readonly remote: number
  readonly state: 'established' | 'asking' | 'listening' | 'over'
}

const states: Readonly<Record<string, TcpRow['state']>> = { '01': 'established', '02': 'asking', '0A': 'listening' }

/** The TCP sockets of the machine. One that waits for its last packets is `over`. */
export const tcpRows = (): readonly TcpRow[] =>
  ['/proc/net/tcp', '/proc/net/tcp6']
    .flatMap(path => tried(() => readFileSync(path, 'latin1').trim().split('\n').slice(1), []))
    .map(line => {
      const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/)
      const portOf = (end: string): number => Number.parseInt(end.slice(end.lastIndexOf(':') + 1), 16)
      return { local: portOf(local), remote: portOf(remote), state: states[state] ?? 'over' }
    })

export const isListening = (port: number): boolean => tcpRows().some(row => row.local === port && row.state === 'listening')

/** How many connections to the port have been asked for and not been answered. */
export const asking = (port: number): number => tcpRows().filter(row => row.remote === port && row.state === 'asking').length

/** How many connections to the port stand, for those who made them. */
export const reaching = (port: number | string): number =>
  tcpRows().filter(row => row.remote === port && row.state === 'established').length

/** How many sockets and terminals a process holds. */
export const held = (pid: number): { readonly sockets: number; readonly terminals: number } => {
  const links = tried(() => readdirSync(`/proc/${pid}/fd`), []).map(each => tried(() => readlinkSync(`/proc/${pid}/fd/${each}`), ''))
  return {
    sockets: links.filter(each => each.startsWith('socket:')).length,
    terminals: links.filter(each => each.startsWith('/dev/pt')).length,
  }
}

/** Bytes of memory a process has in use. */
export const memoryOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024

/** Everybody with this word among those they were started with. */
export const withWord = (word: string): readonly number[] =>
  readdirSync('/proc')
    .filter(
      each =>
        /^\d+$/.test(each) &&
        tried(() => readFileSync(`/proc/${each}/cmdline`, 'latin1'), '')
          .split('\0')
          .includes(word),
    )
    .map(Number)

/** True for one that has ended and that nobody has asked about. */
export const isZombie = (pid: number): boolean => /\) Z /.test(tried(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), ''))

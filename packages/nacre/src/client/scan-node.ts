// Owns asking one host for its keys of several kinds, a connection each and none for kinds it does not have, on Node. Knows
// nothing of how keys are written down.
import { TimeoutError } from '../errors.ts'
import { nodeRuntime } from '../io/runtime-node.ts'
import type { ByteTransport } from '../io/transport.ts'
import { withCertificates } from '../keys/certificate-names.ts'
import { dial } from './dial-node.ts'
import { hostKeyOver, type HostKeyOptions, type ShownHostKey } from './host-key.ts'

export interface ScanOptions extends Omit<HostKeyOptions, 'deadlines' | 'algorithms'> {
  readonly port?: number
  /** 4 or 6 to use only that; 0, the default, for whichever answers first. */
  readonly family?: 0 | 4 | 6
  /** Milliseconds until a connection must stand, then until the server must have named its version, then its key. Default 5 s. */
  readonly timeout?: number
  /**
   * The kinds of keys wanted: for each, the algorithms that prove one, best first. At most one key of each kind is asked for.
   * Algorithms nobody here knows are left out.
   */
  readonly kinds: readonly (readonly string[])[]
  /** Told of what went wrong with a kind after others had come. */
  readonly onMissed?: (error: unknown) => void
}

const defaultPort = 22
const defaultTimeout = 5000

/** Known here, by whatever tables the options bring. */
const knownAlgorithms = (options: ScanOptions): ReadonlySet<string> =>
  new Set(withCertificates((options.tables ?? nodeRuntime().tables).signatures).map(row => row.name))

/** A busy server may take long for each of the two; one that says nothing is not waited for twice as long. */
const keyWithin = async (timeout: number, transport: ByteTransport, options: HostKeyOptions): Promise<ShownHostKey> => {
  const stop = new AbortController()
  const silent = (): void =>
    stop.abort(new TimeoutError('identification', `The server did not name its version within ${timeout / 1000} s.`))
  const timer = setTimeout(silent, timeout)
  try {
    return await hostKeyOver(
      transport,
      {
        ...options,
        deadlines: { handshake: 2 * timeout },
        signal: options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]),
        onIdentified: line => {
          clearTimeout(timer)
          options.onIdentified?.(line)
        },
      },
      nodeRuntime(),
    )
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Gives the keys of a host, one after the other: the first connection asks for all kinds and learns which the server has,
 * the others ask for those. Throws what `dial` and `hostKeyOver` throw when the first of them fails; what fails later goes
 * to `onMissed`.
 */
export async function* scanHostKeys(host: string, options: ScanOptions): AsyncGenerator<ShownHostKey, void, undefined> {
  const { port = defaultPort, family = 0, timeout = defaultTimeout, kinds, onMissed, ...others } = options
  const known = knownAlgorithms(options)
  let wanted = kinds.map(kind => kind.filter(name => known.has(name))).filter(kind => kind.length > 0)
  for (let first = true; wanted.length > 0; first = false) {
    try {
      const transport = await dial({ host, port, family, timeout, ...(options.signal === undefined ? {} : { signal: options.signal }) })
      const shown = await keyWithin(timeout, transport, { ...others, algorithms: { hostKey: wanted.flat() } })
      wanted = wanted.filter(kind => !kind.includes(shown.algorithm) && kind.some(name => shown.offered.includes(name)))
      yield shown
    } catch (error) {
      if (first || options.signal?.aborted === true) throw error
      onMissed?.(error)
      wanted = wanted.slice(1)
    }
  }
}

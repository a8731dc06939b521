// Owns asking one host for its keys of several kinds, a connection each and none for kinds it does not have. Knows no sockets,
// and nothing of how keys are written down.
import type { Runtime } from '../engine/assemble.ts'
import { TimeoutError } from '../errors.ts'
import { systemClock } from '../io/clock.ts'
import type { ByteTransport } from '../io/transport.ts'
import { withCertificates } from '../keys/certificate-names.ts'
import { hostKeyOver, type HostKeyOptions, type ShownHostKey } from './host-key.ts'

export interface HostKeysOptions extends Omit<HostKeyOptions, 'deadlines' | 'algorithms'> {
  /** Milliseconds until the server must have named its version, then its key. Default 5 s. */
  readonly timeout?: number
  /**
   * The kinds of keys wanted: for each, the algorithms that prove one, best first. At most one key of each kind is asked for.
   * Algorithms nobody here knows are left out.
   */
  readonly kinds: readonly (readonly string[])[]
  /** Told of what went wrong with a kind after others had come. */
  readonly onMissed?: (error: unknown) => void
}

export const defaultScanTimeout = 5000

/** Known here, by whatever tables the options bring. */
const knownAlgorithms = (options: HostKeysOptions, runtime: Runtime): ReadonlySet<string> =>
  new Set(withCertificates((options.tables ?? runtime.tables).signatures).map(row => row.name))

/** A busy server may take long for each of the two; one that says nothing is not waited for twice as long. */
const keyWithin = async (timeout: number, transport: ByteTransport, options: HostKeyOptions, runtime: Runtime): Promise<ShownHostKey> => {
  const stop = new AbortController()
  const silent = (): void =>
    stop.abort(new TimeoutError('identification', `The server did not name its version within ${timeout / 1000} s.`))
  const spoken = (options.clock ?? systemClock).after(timeout, silent)
  try {
    return await hostKeyOver(
      transport,
      {
        ...options,
        deadlines: { handshake: 2 * timeout },
        signal: options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]),
        onIdentified: line => {
          spoken()
          options.onIdentified?.(line)
        },
      },
      runtime,
    )
  } finally {
    spoken()
  }
}

/**
 * Gives the keys of a host, one after the other: the first connection asks for all kinds and learns which the server has,
 * the others ask for those. `open` makes each connection. Throws what it and `hostKeyOver` throw when the first of them fails;
 * what fails later goes to `onMissed`.
 */
export async function* hostKeysOver(
  open: () => Promise<ByteTransport>,
  options: HostKeysOptions,
  runtime: Runtime,
): AsyncGenerator<ShownHostKey, void, undefined> {
  const { timeout = defaultScanTimeout, kinds, onMissed, ...others } = options
  const known = knownAlgorithms(options, runtime)
  let wanted = kinds.map(kind => kind.filter(name => known.has(name))).filter(kind => kind.length > 0)
  for (let first = true; wanted.length > 0; first = false) {
    try {
      const shown = await keyWithin(timeout, await open(), { ...others, algorithms: { hostKey: wanted.flat() } }, runtime)
      wanted = wanted.filter(kind => !kind.includes(shown.algorithm) && kind.some(name => shown.offered.includes(name)))
      yield shown
    } catch (error) {
      if (first || options.signal?.aborted === true) throw error
      onMissed?.(error)
      wanted = wanted.slice(1)
    }
  }
}

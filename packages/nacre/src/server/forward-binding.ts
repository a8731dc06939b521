// Owns where a server listens for what a client asks for (RFC 4254 §7.1), by OpenSSH's rules for GatewayPorts, on all addresses
// that means and with one port for all. Knows nothing of who may ask, and no channels.
import { ForwardError } from '../errors.ts'
import type { Listening, ListenOptions, LocalConnection, LocalSockets, TcpPlace } from '../forward/sockets.ts'

/**
 * Who may connect to what a client makes the server listen on: programs of the server's own machine (`no`), whoever reaches it
 * (`yes`), or those the client says by the address it asks for (`clientspecified`).
 */
export type GatewayPorts = 'no' | 'yes' | 'clientspecified'

/** The addresses the names mean; `undefined` is every address of both families. */
type Addresses = readonly [string | undefined, ...string[]]

const loopback: Addresses = ['127.0.0.1', '::1']
const everywhere: Addresses = [undefined]
const loopbackLiterals: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])

/** Where to listen when a client asks for `address`. */
export const addressesFor = (address: string, gatewayPorts: GatewayPorts): Addresses => {
  if (gatewayPorts === 'yes') return everywhere
  // A family of the loopback may be chosen whatever holds.
  if (loopbackLiterals.has(address)) return [address]
  if (gatewayPorts === 'no' || address === 'localhost') return loopback
  return address === '' || address === '*' ? everywhere : [address]
}

/** What listens for one request. */
export interface Bound {
  readonly port: number
  close(): Promise<void>
}

/** How often another free port is looked for when the first is taken in the other family. */
const freePortAttempts = 5

/** Is given a connection and the port it came to. */
export type Taken = (connection: LocalConnection, port: number) => void

const closeAll = async (all: readonly Listening[]): Promise<void> => {
  await Promise.all(all.map(each => each.close()))
}

const portOf = ({ place }: Listening): number => ('port' in place ? place.port : 0)

interface Attempt {
  readonly listening: readonly Listening[]
  readonly failures: readonly ForwardError[]
}

const listenOnEach = async (sockets: LocalSockets, addresses: Addresses, port: number, taken: Taken): Promise<Attempt> => {
  const listening: Listening[] = []
  const failures: ForwardError[] = []
  for (const host of addresses) {
    const place: TcpPlace = { host, port: port === 0 && listening.length > 0 ? portOf(listening[0]) : port }
    const options: ListenOptions = host === '::' ? { ipv6Only: true } : {}
    let own = place.port
    try {
      const one = await sockets.listen(place, options, connection => taken(connection, own))
      own = portOf(one)
      listening.push(one)
    } catch (error) {
      if (!(error instanceof ForwardError)) {
        await closeAll(listening)
        throw error
      }
      failures.push(error)
    }
  }
  return { listening, failures }
}

const isTaken = ({ cause }: ForwardError): boolean => cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE'

/**
 * Listens for `address` and `port`; 0 is any port that is free. A family the machine does not have, or whose port is taken, is
 * left out as long as another is there; rejects with `ForwardError` when there is none.
 */
export const bindTcp = async (
  sockets: LocalSockets,
  { host, port }: { readonly host: string; readonly port: number },
  gatewayPorts: GatewayPorts,
  taken: Taken,
): Promise<Bound> => {
  const addresses = addressesFor(host, gatewayPorts)
  for (let attempt = 1; ; attempt++) {
    const { listening, failures } = await listenOnEach(sockets, addresses, port, taken)
    const [first] = listening
    if (first === undefined) throw failures[0]
    // Of a port nobody chose, half would go to somebody else.
    if (port !== 0 || attempt === freePortAttempts || !failures.some(isTaken))
      return { port: portOf(first), close: () => closeAll(listening) }
    await closeAll(listening)
  }
}

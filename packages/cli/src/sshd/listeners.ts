// Owns the sockets that listen: which addresses by configuration, opening, replacing on a reload. Knows nothing of what
// serves a connection, or of who may come.
import { createServer, type Server, type Socket } from 'node:net'
import { ConfigError, ConnectError } from 'nacre'
import type { MaxStartups, ServerConfig } from 'nacre/config'
import type { Log } from './log.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

const key = ({ host, port }: Place): string => `${host} ${port}`

/** Where to listen: each ListenAddress with its port or with all ports; without one, everywhere. */
export const placesOf = (config: Pick<ServerConfig, 'listenAddress' | 'port' | 'addressFamily'>): readonly Place[] => {
  const { addressFamily: family } = config
  const everywhere = [...(family === 'inet6' ? [] : ['0.0.0.0']), ...(family === 'inet' ? [] : ['::'])]
  const hosts = config.listenAddress.length === 0 ? [{ host: '*', port: undefined }] : config.listenAddress
  const places = hosts.flatMap(({ host, port }) => {
    const ports = port === undefined ? config.port : [port]
    return ports.flatMap(each => (host === '*' ? everywhere : [host]).map(name => ({ host: name, port: each })))
  })
  return [...new Map(places.map(place => [key(place), place])).values()]
}

/** What each of `workers` processes, which count for themselves, turns away so that all together keep to the rule. */
export const shareOf = ({ begin, rate, full }: MaxStartups, workers: number): MaxStartups => ({
  begin: Math.ceil(begin / workers),
  rate,
  full: Math.ceil(full / workers),
})

export interface ListenerRules {
  readonly tcpKeepAlive: boolean
}

export interface ListenerHooks {
  readonly log: Log
  /** Read for each connection, so that a reload takes effect. */
  rules(): ListenerRules
  accept(socket: Socket): void
}

const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Address already in use',
  EACCES: 'Permission denied (ports below 1024 need root)',
  EADDRNOTAVAIL: 'Cannot assign requested address',
}

const nextSteps: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Another program listens there (ss -ltnp says which): stop it, or choose another port with -p or Port.',
  EACCES: 'Start it as root, or choose a port above 1023 with -p or Port.',
  EADDRNOTAVAIL: 'No interface of this machine has that address: correct ListenAddress (ip address lists those there are).',
}
/** What to do about an address that could not be had. */
const nextStep = ({ cause }: ConnectError): string | undefined => nextSteps[(cause as NodeJS.ErrnoException | undefined)?.code ?? '']

export class Listeners {
  readonly #hooks: ListenerHooks
  readonly #open = new Map<string, Server>()

  constructor(hooks: ListenerHooks) {
    this.#hooks = hooks
  }

  /** Listens at exactly these places: opens the missing, closes the others. Throws `ConfigError` when none could be opened. */
  async at(places: readonly Place[]): Promise<void> {
    const wanted = new Set(places.map(key))
    for (const [name, server] of this.#open) {
      if (wanted.has(name)) continue
      server.close()
      this.#open.delete(name)
    }
    const failures: ConnectError[] = []
    for (const place of places) {
      if (this.#open.has(key(place))) continue
      try {
        this.#open.set(key(place), await this.#listen(place))
        this.#hooks.log.info(`Server listening on ${place.host} port ${place.port}.`)
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error
        failures.push(error)
      }
    }
    const said = [...failures.map(each => each.message), ...new Set(failures.flatMap(each => nextStep(each) ?? []))]
    if (this.#open.size === 0) throw new ConfigError(['Cannot bind any address.', ...said].join('\n'))
    // A machine without IPv6 is none the worse for `::`.
    for (const text of said) this.#hooks.log.error(text)
  }

  #listen(place: Place): Promise<Server> {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, socket => this.#arrived(socket))
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const why = causes[error.code ?? ''] ?? error.message
        reject(new ConnectError('CONNECT_FAILED', `Bind to port ${place.port} on ${place.host} failed: ${why}.`, place, { cause: error }))
      })
      // IPv4 has a socket of its own, so that its addresses look like themselves.
      server.listen({ ...place, ipv6Only: place.host.includes(':'), backlog: 511 }, () => {
        server.on('error', error => this.#hooks.log.error(`accept: ${error.message}`))
        resolve(server)
      })
    })
  }

  #arrived(socket: Socket): void {
    if (this.#hooks.rules().tcpKeepAlive) socket.setKeepAlive(true)
    this.#hooks.accept(socket)
  }

  close(): void {
    for (const server of this.#open.values()) server.close()
    this.#open.clear()
  }
}

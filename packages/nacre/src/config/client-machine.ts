// Owns what a client's configuration has to know of the machine it is read on, and the tokens that come of it. Knows no
// runtime: whoever reads a configuration says these things.
import type { ProxyJump } from './reach-kinds.ts'
import type { ConfigSource, Statement } from './document.ts'
import type { SoFar } from './table.ts'
import { expandTokens, type Tokens, type Variables } from './tokens.ts'

/** The machine and the person a configuration is read for. */
export interface ClientMachine {
  /** The person's login name, number and home here. */
  readonly user: string
  readonly uid: string
  readonly home: string
  /** This machine's name, with whatever domain it has. */
  readonly hostname: string
  readonly environment: Variables
  /** Another person's home; `undefined` when there is no such person. */
  homeOf(user: string): string | undefined
  /** SHA-1 in hexadecimal, for `%C`. */
  sha1(text: string): string
  /** Addresses of interfaces that are up, for `Match localnetwork`. */
  addresses(): readonly string[]
  /** The texts of files a path names, wildcards in it, in order. Throws `ConfigError` for one that others may write. */
  include(path: string, statement: Statement): readonly ConfigSource[]
  /** Runs a command of `Match exec` by the person's shell: did it succeed? */
  run(command: string): boolean | Promise<boolean>
  /**
   * Looks a name up as it stands; `undefined` when it has no address. With `aliases`, `canonicalName` is where aliases of
   * DNS led, if anywhere.
   */
  resolve(
    name: string,
    family: 'any' | 'inet' | 'inet6',
    options: { readonly aliases: boolean },
  ): Promise<{ readonly canonicalName?: string } | undefined>
}

const usualPort = 22

/** What `%h` and the like stand for while files are read: with what they have said so far. */
export const tokensSoFar = (machine: ClientMachine, typed: string, host: string, soFar: SoFar): Tokens => {
  const user = typeof soFar('user') === 'string' ? String(soFar('user')) : machine.user
  const alias = soFar('hostKeyAlias')
  const port = soFar('port')
  const jump = soFar('proxyJump') as ProxyJump | undefined
  return clientTokens(machine, {
    typed,
    host,
    port: typeof port === 'number' ? port : usualPort,
    user,
    keyAlias: typeof alias === 'string' ? alias : host,
    jump: jumpHost(jump),
  })
}

/** The host that is reached first of the last hop: the one before the destination. */
export const jumpHost = (jump: ProxyJump | undefined): string =>
  jump === undefined || jump === 'none' ? '' : (jump.hosts.at(-1)?.host ?? '')

export interface TokenValues {
  readonly typed: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly keyAlias: string
  readonly jump: string
}

/** The tokens most keywords take. `%C` is made when somebody asks for it. */
export const clientTokens = (machine: ClientMachine, { typed, host, port, user, keyAlias, jump }: TokenValues): Tokens => ({
  get C() {
    return machine.sha1(`${machine.hostname}${host}${port}${user}${jump}`)
  },
  L: machine.hostname.split('.', 1)[0],
  d: machine.home,
  h: host,
  i: machine.uid,
  j: jump,
  k: keyAlias,
  l: machine.hostname,
  n: typed,
  p: String(port),
  r: user,
  u: machine.user,
})

/** The host as far as the files have said. */
export const hostSoFar = (typed: string, final: boolean, soFar: SoFar): string => {
  const said = soFar('hostName')
  if (typeof said !== 'string') return typed
  // HostName takes no other token.
  return final ? said : expandTokens(said, { h: typed })
}

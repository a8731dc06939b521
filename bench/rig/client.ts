// Owns the clients of a measurement: our own, those of the peers, and the program `ssh`. Knows nothing of how servers are
// started, of rounds and of tables.
import { userKey } from '../../interop/rig/keys.ts'
import { finish } from '../../interop/rig/process.ts'
import type { Ssh2Options } from '../sites/ssh2.ts'
import { type ClientArgs, type Direction, hostKeyAlgorithm, kex, type Transferred } from '../sites/types.ts'
import { goProgram } from './build.ts'
import { type BareOptions, type BareWork, bareName, type NacreOptions, type ServerEnd, withAccelerator } from './server.ts'
import { type Site, startProgram, startSite } from './site.ts'

/** Seconds any transfer may take. */
const patience = 120

/** How a client that answers calls logs in at `server`; `cipher` left out leaves all algorithms to the library. */
export const loginAt = (server: ServerEnd, cipher?: string): ClientArgs => ({
  port: server.port,
  user: server.user,
  key: userKey().path,
  ...(cipher === undefined ? {} : { cipher }),
})

export const nacreClient = ({ accelerated = false }: NacreOptions = {}): Promise<Site> =>
  startSite('nacre-client', {}, withAccelerator(accelerated))
export const ssh2Client = (options: Ssh2Options): Promise<Site> => startSite('ssh2-client', options)
/** The other end of `bareServer`. */
export const bareClient = (work: BareWork, options: BareOptions = {}): Promise<Site> => startSite(bareName(work), options)
export const goClient = (): Promise<Site> => startProgram('go-ssh', [goProgram])

/** The options with which `ssh`, and a program that takes the same, logs in at `server` and asks nobody. */
export const sshOptionsAt = (server: ServerEnd, cipher?: string, logLevel = 'ERROR'): readonly string[] => [
  '-F',
  'none',
  '-T',
  ...[
    ...(cipher === undefined ? [] : [`Ciphers=${cipher}`, `KexAlgorithms=${kex}`, `HostKeyAlgorithms=${hostKeyAlgorithm}`]),
    `IdentityFile=${userKey().path}`,
    'IdentitiesOnly=yes',
    'UserKnownHostsFile=/dev/null',
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=no',
    `LogLevel=${logLevel}`,
    'BatchMode=yes',
  ].flatMap(each => ['-o', each]),
  '-p',
  String(server.port),
  `${server.user}@127.0.0.1`,
]

export interface Moved extends Transferred {
  /** CPU seconds of the program that made or swallowed the bytes for the server, when it was one. */
  readonly program: number
}

/** A client that moves bytes. */
export interface MovingEnd extends AsyncDisposable {
  readonly site: Site | undefined
  move(server: ServerEnd, direction: Direction, bytes: number): Promise<Moved>
}

/** What bash's `time` has printed after `label`: user and system seconds together. */
const timeAfter = (label: string, text: string): number => {
  const found = new RegExp(`^${label} ([0-9.]+) ([0-9.]+)$`, 'm').exec(text)
  return found === null ? 0 : Number(found[1]) + Number(found[2])
}

export const moving = async (starting: Promise<Site>, cipher: string, streams = false): Promise<MovingEnd> => {
  const site = await starting
  return {
    site,
    async move(server, direction, bytes) {
      const command = server.bulk(direction, bytes)
      const moved = await site.call<Transferred>('transfer', { ...loginAt(server, cipher), direction, bytes, command, streams }, patience)
      return { ...moved, program: timeAfter('program', moved.stderr) }
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

/** The program `ssh`. What fills its input comes through a pipe and is not counted. */
export const sshMoving = async (cipher: string): Promise<MovingEnd> => ({
  site: undefined,
  async move(server, direction, bytes) {
    const ssh = ['ssh', ...sshOptionsAt(server, cipher), server.bulk(direction, bytes)]
    const script =
      direction === 'down'
        ? `TIMEFORMAT='ssh %3U %3S'; time "$@" >/dev/null`
        : `TIMEFORMAT='ssh %3U %3S'; head -c ${bytes} /dev/zero | { time "$@"; }`
    const started = performance.now()
    const { code, stderr } = await finish(['bash', '-c', script, 'bash', ...ssh], { stdin: '', seconds: patience })
    const wall = (performance.now() - started) / 1000
    if (code !== 0) throw new Error(`ssh ended with ${code}.\n${stderr}`)
    return { cpu: timeAfter('ssh', stderr), wall, stderr, program: timeAfter('program', stderr) }
  },
  [Symbol.asyncDispose]: async () => {},
})

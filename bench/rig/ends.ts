// Owns the two ends of a measurement, for every implementation alike: a server that says where it listens and what it has
// spent, a client that moves bytes. Knows nothing of rounds and tables.
import { userInfo } from 'node:os'
import { freshFile } from '../../interop/rig/folder.ts'
import { hostKey, userKey } from '../../interop/rig/keys.ts'
import { answering, freePort } from '../../interop/rig/port.ts'
import { finish, start } from '../../interop/rig/process.ts'
import { world } from '../../interop/rig/world.ts'
import { type ClientArgs, commands, type Direction, hostKeyAlgorithm, kex, type Transferred } from '../sites/types.ts'
import type { Ssh2Options } from '../sites/ssh2.ts'
import { type Site, startSite } from './site.ts'
import { cpuOfSettledTree, pssOfTree } from './usage.ts'

export interface ServerEnd extends AsyncDisposable {
  readonly port: number
  readonly user: string
  /** The process, when it is one of our sites. */
  readonly site: Site | undefined
  /** CPU seconds so far, its children's included, once all connections have ended. */
  cpu(): Promise<number>
  /** KiB of memory, in proportion to who shares it, after garbage was collected. */
  memory(): Promise<number>
  /** The command that sends or swallows bytes. */
  bulk(direction: Direction, bytes: number): string
  /** The command that ends at once, and the one that waits. */
  readonly nothing: string
  readonly hold: string
}

export interface Moved extends Transferred {
  /** CPU seconds of the program that made or swallowed the bytes for the server, when it was one. */
  readonly program: number
}

export interface ClientEnd extends AsyncDisposable {
  readonly site: Site | undefined
  move(server: ServerEnd, direction: Direction, bytes: number): Promise<Moved>
}

/** Seconds any single step may take. */
const patience = 120
/** After a client has gone a server still has a few things to do. */
const afterglow = 30

const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

/** How a client site logs in at `server`. */
export const loginAt = (server: ServerEnd, cipher: string): ClientArgs => ({
  port: server.port,
  user: server.user,
  key: userKey().path,
  cipher,
})

const siteServer = async (name: string, options: object, cipher: string, streams: boolean): Promise<ServerEnd> => {
  const site = await startSite(name, options)
  const port = await site.call<number>('listen', { hostKey: hostKey().path, authorized: userKey().line, cipher })
  return {
    site,
    port,
    user: userInfo().username,
    async cpu() {
      await pause(afterglow)
      return await site.call<number>('cpu')
    },
    async memory() {
      await site.call('settle')
      return pssOfTree(site.pid)
    },
    bulk: (direction, bytes) => (direction === 'down' ? commands.send(bytes, streams) : commands.sink(streams)),
    nothing: commands.nothing,
    hold: commands.hold,
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

export const nacreServer = (cipher: string, streams = false): Promise<ServerEnd> => siteServer('nacre-server', {}, cipher, streams)
export const ssh2Server = (cipher: string, options: Ssh2Options): Promise<ServerEnd> => siteServer('ssh2-server', options, cipher, false)

const timed = (program: string): string => `exec bash -c "TIMEFORMAT='program %3U %3S'; time ${program}"`

const serverConfig = (cipher: string, port: number): string =>
  [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey().path}`,
    `AuthorizedKeysFile ${freshFile('authorized_keys', `${userKey().line}\n`, 0o644)}`,
    `Ciphers ${cipher}`,
    `KexAlgorithms ${kex}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'PrintLastLog no',
    'MaxStartups 1000',
    'LogLevel ERROR',
    '',
  ].join('\n')

/**
 * sshd, for a user who exists only there when the bench runs as root. Its monitor does not always wait for the process that
 * serves the user, whose CPU would be lost; as the first process of a PID namespace sshd inherits those and waits for them.
 */
export const sshdServer = async (cipher: string): Promise<ServerEnd> => {
  const port = await freePort()
  const sshd = ['/usr/sbin/sshd', '-D', '-e', '-f', freshFile('sshd_config', serverConfig(cipher, port), 0o644)]
  const { privileged, user, enter } = world()
  const running = await start(enter(privileged ? ['unshare', '--pid', '--fork', '--kill-child', ...sshd] : sshd), {
    name: 'sshd',
    logStdout: true,
  })
  try {
    await answering(port, running)
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  const pid = privileged ? running.descendants()[0] : running.pid
  return {
    site: undefined,
    port,
    user,
    cpu: () => cpuOfSettledTree(pid),
    memory: async () => pssOfTree(pid),
    bulk: (direction, bytes) => timed(direction === 'down' ? `head -c ${bytes} /dev/zero` : 'cat >/dev/null'),
    nothing: 'true',
    hold: 'exec cat',
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** What bash's `time` has printed after `label`: user and system seconds together. */
const timeAfter = (label: string, text: string): number => {
  const found = new RegExp(`^${label} ([0-9.]+) ([0-9.]+)$`, 'm').exec(text)
  return found === null ? 0 : Number(found[1]) + Number(found[2])
}

const siteClient = async (name: string, options: object, cipher: string, streams: boolean): Promise<ClientEnd> => {
  const site = await startSite(name, options)
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

export const nacreClient = (cipher: string, streams = false): Promise<ClientEnd> => siteClient('nacre-client', {}, cipher, streams)
export const ssh2Client = (cipher: string, options: Ssh2Options): Promise<ClientEnd> => siteClient('ssh2-client', options, cipher, false)

/** The program `ssh`. What fills its input comes through a pipe and is not counted. */
export const sshClient = async (cipher: string): Promise<ClientEnd> => ({
  site: undefined,
  async move(server, direction, bytes) {
    const settings = [
      `Ciphers=${cipher}`,
      `KexAlgorithms=${kex}`,
      `HostKeyAlgorithms=${hostKeyAlgorithm}`,
      `IdentityFile=${userKey().path}`,
      'IdentitiesOnly=yes',
      'UserKnownHostsFile=/dev/null',
      'GlobalKnownHostsFile=/dev/null',
      'StrictHostKeyChecking=no',
      'LogLevel=ERROR',
      'BatchMode=yes',
    ]
    const ssh = [
      'ssh',
      '-F',
      'none',
      '-T',
      ...settings.flatMap(each => ['-o', each]),
      '-p',
      String(server.port),
      `${server.user}@127.0.0.1`,
      server.bulk(direction, bytes),
    ]
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

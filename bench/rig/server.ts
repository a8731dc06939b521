// Owns the servers of a measurement, every implementation behind one face: where it listens, what it has spent, what memory
// it takes. Knows nothing of clients, rounds and tables.
import { userInfo } from 'node:os'
import { freshFile } from '../../interop/rig/folder.ts'
import { hostKey, userKey } from '../../interop/rig/keys.ts'
import { answering, freePort } from '../../interop/rig/port.ts'
import { start } from '../../interop/rig/process.ts'
import { world } from '../../interop/rig/world.ts'
import type { Ssh2Options } from '../sites/ssh2.ts'
import { type BareBulkOptions, type BareKeystrokeOptions, commands, type Direction, kex, type ServerArgs } from '../sites/types.ts'
import { goProgram } from './build.ts'
import { asyncSshCommand } from './peers.ts'
import { type Site, startProgram, startSite } from './site.ts'
import { cpuOfSettledTree, cpuOfTree, pssOfTree } from './usage.ts'

export interface ServerEnd extends AsyncDisposable {
  readonly port: number
  readonly user: string
  /** The process, when it is one that answers calls. */
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

/** A server that is a program, with the processes below it. */
export interface SshdEnd extends ServerEnd {
  readonly pid: number
}

/** After a client has gone a server still has a few things to do. */
const afterglow = 30

const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Whether nacre's sites use the accelerator. */
export const withAccelerator = (accelerated: boolean): Readonly<Record<string, string>> => (accelerated ? {} : { NACRE_NATIVE: '0' })

const serving = async (starting: Promise<Site>, cipher: string | undefined, streams = false, workers = 0): Promise<ServerEnd> => {
  const site = await starting
  const args: ServerArgs = {
    hostKey: hostKey().path,
    authorized: userKey().line,
    ...(cipher === undefined ? {} : { cipher }),
    ...(workers === 0 ? {} : { workers }),
  }
  let port: number
  try {
    port = await site.call<number>('listen', args)
  } catch (error) {
    await site[Symbol.asyncDispose]()
    throw error
  }
  return {
    site,
    port,
    user: userInfo().username,
    async cpu() {
      await pause(afterglow)
      return workers === 0 ? await site.call<number>('cpu') : cpuOfTree(site.pid)
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

export interface NacreOptions {
  /** With `@nacre/native`, when it is there; false by default. */
  readonly accelerated?: boolean
  /** Bytes go through Web Streams. */
  readonly streams?: boolean
  /** Processes that serve connections, above 0. */
  readonly workers?: number
}

/** `cipher` left out leaves all algorithms to the library, here and in those that follow. */
export const nacreServer = (cipher?: string, { accelerated = false, streams, workers }: NacreOptions = {}): Promise<ServerEnd> =>
  serving(startSite('nacre-server', {}, withAccelerator(accelerated)), cipher, streams, workers)

export const ssh2Server = (cipher: string | undefined, options: Ssh2Options): Promise<ServerEnd> =>
  serving(startSite('ssh2-server', options), cipher)

/** What is done on Node without any SSH, and how its packets are sealed where there is a choice. */
export type BareWork = 'session' | 'keystroke' | 'idle' | 'bulk'
export type BareOptions = Partial<BareKeystrokeOptions | BareBulkOptions>
export const bareName = (work: BareWork): string => `bare-${work}`

/** The least that Node allows for `work`: its sockets, what node:crypto must be asked for, and no SSH. */
export const bareServer = (work: BareWork, options: BareOptions = {}): Promise<ServerEnd> =>
  serving(startSite(bareName(work), options), undefined)

export const goServer = (cipher: string): Promise<ServerEnd> => serving(startProgram('go-ssh', [goProgram]), cipher)

export const asyncSshServer = (cipher: string): Promise<ServerEnd> => serving(startProgram('asyncssh', asyncSshCommand), cipher)

const timed = (program: string): string => `exec bash -c "TIMEFORMAT='program %3U %3S'; time ${program}"`

const serverConfig = (cipher: string | undefined, port: number): string =>
  [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${hostKey().path}`,
    `AuthorizedKeysFile ${freshFile('authorized_keys', `${userKey().line}\n`, 0o644)}`,
    ...(cipher === undefined ? [] : [`Ciphers ${cipher}`, `KexAlgorithms ${kex}`]),
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
    'Subsystem sftp /usr/lib/openssh/sftp-server',
    '',
  ].join('\n')

/**
 * sshd, for a user who exists only there when the bench runs as root. Its monitor does not always wait for the process that
 * serves the user, whose CPU would be lost; as the first process of a PID namespace sshd inherits those and waits for them.
 */
export const sshdServer = async (cipher?: string, program: readonly string[] = ['/usr/sbin/sshd']): Promise<SshdEnd> => {
  const port = await freePort()
  const sshd = [...program, '-D', '-e', '-f', freshFile('sshd_config', serverConfig(cipher, port), 0o644)]
  const { privileged, user, enter } = world()
  const running = await start(enter(privileged ? ['unshare', '--pid', '--fork', '--kill-child', ...sshd] : sshd), {
    name: 'sshd',
    logStdout: true,
    env: withAccelerator(false),
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
    pid,
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

// Owns hosts with a network of their own for tests: network namespaces, a wire between two of them, servers and programs that run
// there. Knows nothing of what is tested.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type OpenSshServerOptions, serverConfig, sshCommand } from '../peers/openssh.ts'
import type { ClientRequest, PeerServer, Prepared } from '../peers/peer.ts'
import { freshFile } from './folder.ts'
import { hostKey, soundKinds } from './keys.ts'
import { freePort } from './port.ts'
import { finish, type Running, start, withinSeconds } from './process.ts'
import { pause } from './services.ts'
import { world } from './world.ts'

const peer = (name: string): string => fileURLToPath(new URL(`../peers/${name}`, import.meta.url))
const python = '/usr/bin/python3'

const ip = (...words: readonly string[]): void => {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`)
}

const probe = (): string | false => {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces'
  const name = `nacre-probe-${process.pid}`
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return 'needs network namespaces (ip netns), which are not to be had here'
  spawnSync('ip', ['netns', 'delete', name])
  return world().privileged ? false : 'needs mount namespaces'
}

const probeTunnels = (): string | false => {
  try {
    closeSync(openSync('/dev/net/tun', 'r+'))
    return false
  } catch (error) {
    return `needs /dev/net/tun: ${(error as Error).message}`
  }
}

let hosts: string | false | undefined
let tunnels: string | false | undefined
/** Why there are no hosts here, or `false`. */
export const needsHosts = (): string | false => (hosts ??= probe())
/** Why there are no tunnels between them, or `false`. */
export const needsTunnels = (): string | false => needsHosts() || (tunnels ??= probeTunnels())

/** One of two hosts. */
export interface Host {
  readonly space: string
  /** The address of the wire. */
  readonly v4: string
  readonly v6: string
  /** The device at the wire. */
  readonly device: string
  /** The command, to run there. */
  enter(command: readonly string[]): readonly string[]
  /** `ip` there, at once. */
  ip(...words: readonly string[]): void
}

export interface Network extends AsyncDisposable {
  readonly near: Host
  readonly far: Host
}

const device = 'wire'
let made = 0

const host = (space: string, number: number): Host => ({
  space,
  v4: `10.87.0.${number}`,
  v6: `fd00:87::${number}`,
  device,
  enter: command => ['ip', 'netns', 'exec', space, ...command],
  ip: (...words) => ip('-n', space, ...words),
})

const leftovers = new Set<string>()
process.on('exit', () => {
  for (const space of leftovers) spawnSync('ip', ['netns', 'delete', space])
})

/** Two hosts and a wire. `lost` is the share of frames that is lost; `only6` leaves out IPv4. */
export const network = async ({ lost = 0, only6 = false } = {}): Promise<Network> => {
  const names = [`nacre-${process.pid}-${++made}a`, `nacre-${process.pid}-${made}b`] as const
  for (const name of names) {
    ip('netns', 'add', name)
    leftovers.add(name)
  }
  const near = host(names[0], 1)
  const far = host(names[1], 2)
  let wire: Running | undefined
  if (lost === 0) ip('link', 'add', device, 'netns', near.space, 'type', 'veth', 'peer', 'name', device, 'netns', far.space)
  else {
    const carrier = await start([python, peer('wire.py'), near.space, far.space, device, String(lost)], { name: 'wire', logStdout: true })
    await said(carrier, 'ready')
    wire = carrier
  }
  for (const each of [near, far]) {
    // An address of IPv6 is not to be tried out before it may be used.
    if (!only6) each.ip('address', 'add', `${each.v4}/24`, 'dev', device)
    each.ip('address', 'add', `${each.v6}/64`, 'dev', device, 'nodad')
    each.ip('link', 'set', 'lo', 'up')
    each.ip('link', 'set', device, 'up')
  }
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      await wire?.[Symbol.asyncDispose]()
      for (const name of names) {
        spawnSync('ip', ['netns', 'delete', name])
        leftovers.delete(name)
      }
    },
  }
}

/** Waits until a program has said something. */
export const said = (running: Running, words: string, seconds = 20): Promise<void> =>
  withinSeconds(
    seconds,
    (async () => {
      while (!running.log().includes(words)) {
        if (running.ended) throw new Error(`${running.name} ended before it said "${words}".\n${running.log()}`)
        await pause(20)
      }
    })(),
    () => `${running.name} did not say "${words}".\n${running.log()}`,
  )

/** An sshd of OpenSSH's options at a host, on all its addresses. */
export const sshdAt = async (
  at: Host,
  name: string,
  program: readonly string[],
  options: OpenSshServerOptions,
  address = at.v4,
): Promise<PeerServer> => {
  const port = await freePort()
  const text = serverConfig(options, port).replace('ListenAddress 127.0.0.1\n', '')
  const config = freshFile('sshd_config', text, 0o644)
  const before = options.before === undefined ? [] : ['sh', '-c', `${options.before} && exec "$@"`, 'sh']
  const running = await start(at.enter(world().enter([...before, ...program, '-D', '-e', '-f', config])), { name, logStdout: true })
  try {
    await said(running, 'Server listening on')
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  const hostKeys = soundKinds.map(kind => hostKey(kind).line)
  return {
    name,
    process: running,
    to: { host: address, port, user: world().user, hostKeys },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** A client of OpenSSH's options at a host. */
export const sshAt = (at: Host, name: string, program: readonly string[], request: ClientRequest): Prepared => {
  const { command, options } = sshCommand(name, program, request)
  return { command: at.enter(command), options }
}

export const begun = async ({ command, options }: Prepared): Promise<Running> => await start(command, { ...options, logStdout: true })

/** Somebody at a host who takes connections, and tells each what came. */
export const taking = async (at: Host, address: string, port: number): Promise<Running> => {
  const running = await start(at.enter([python, peer('traffic.py'), 'take', address, String(port)]), { name: 'taker', logStdout: true })
  await said(running, 'ready')
  return running
}

/** Sends so many bytes from a host and says `same` when they came as they were; why there was no connection otherwise. */
export const giving = async (at: Host, address: string, port: number, count = 200_000): Promise<string> => {
  const { stdout, stderr } = await finish(at.enter([python, peer('traffic.py'), 'give', address, String(port), String(count)]), {
    seconds: 60,
  })
  return stdout.toString().trim() || (stderr.trim().split('\n').at(-1) ?? '')
}

/** The same from a host, again until it comes through: what listens may need a moment. */
export const comesThrough = async (at: Host, address: string, port: number, count?: number): Promise<string> => {
  let answer = ''
  for (let tries = 0; tries < 40; tries++) {
    answer = await giving(at, address, port, count)
    if (!/refused|unreachable|No route/.test(answer)) return answer
    await pause(50)
  }
  return answer
}

/** Somebody at a host who connects and waits for the end. */
export const waiting = async (at: Host, address: string, port: number): Promise<Running> => {
  const running = await start(at.enter([python, peer('traffic.py'), 'silent', address, String(port)]), { name: 'waiter', logStdout: true })
  await said(running, 'connected')
  return running
}

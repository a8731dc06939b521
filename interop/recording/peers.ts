// Owns the peers that can be recorded, each with the same face: which algorithms it is told to use, what it is called. Knows
// nothing of what is recorded.
import { execFileSync } from 'node:child_process'
import { dbclient, dropbearServer } from '../peers/dropbear.ts'
import { sshCommand, sshdServer } from '../peers/openssh.ts'
import type { ClientPeer, ClientRequest, PeerServer, ServerOptions } from '../peers/peer.ts'
import { plink } from '../peers/putty.ts'
import { asyncsshClient, asyncsshServer, paramikoClient, paramikoServer, ssh2Client, ssh2Server } from '../peers/scripted.ts'
import { start, finish, type Finished, withinSeconds } from '../rig/process.ts'
import { freePort } from '../rig/port.ts'
import { hostKey } from '../rig/keys.ts'
import { world } from '../rig/world.ts'

/** One algorithm of each kind that both sides are told to use. */
export interface Narrow {
  readonly kex: string
  readonly hostKey: string
  readonly cipher: string
  readonly mac: string
  readonly compression: string
}

export interface RecordedServerOptions extends ServerOptions {
  readonly narrow?: Narrow
  /** Keyboard-interactive is asked by PAM. */
  readonly pam?: boolean
  readonly banner?: string
}
export interface RecordedClientRequest extends ClientRequest {
  readonly narrow?: Narrow
}

/** What a peer can do; a case needs it or does not apply. */
export type Ability =
  | 'password'
  | 'prompts'
  | 'chain'
  | 'terminal'
  | 'exit-signal'
  | 'rekeys'
  | 'delayed-zlib'
  | 'zlib'
  | 'narrows'
  | 'subsystem'
  | 'banner'
  | 'speaks-in-exchange'
  /** Its server answers global requests, its client makes some. */
  | 'globals'

export interface RecordedPeer {
  /** Name of the folder of its transcripts. */
  readonly id: string
  /** All that we offer where negotiation is not what a case is about: it keeps transcripts short, and differs from peer to peer. */
  readonly ours: Narrow
  readonly server?: { readonly start: (options: RecordedServerOptions) => Promise<PeerServer>; readonly can: ReadonlySet<Ability> }
  readonly client?: {
    readonly run: (request: RecordedClientRequest) => Promise<Finished>
    readonly can: ReadonlySet<Ability>
    /** Options that ask for a port of the server's. */
    readonly forward?: readonly string[]
  }
  /** Names it knows, where it can be told to use them alone. */
  knows?(what: 'kex' | 'cipher' | 'mac' | 'HostKeyAlgorithms'): ReadonlySet<string>
}

const ours = (kex: string, cipher: string, mac = 'hmac-sha2-256'): Narrow => ({
  kex,
  hostKey: 'ssh-ed25519',
  cipher,
  mac,
  compression: 'none',
})

const can = (...abilities: readonly Ability[]): ReadonlySet<Ability> => new Set(abilities)
const runs = (client: ClientPeer) => (request: RecordedClientRequest) => client.run(request)

/** Spaces for `=` in sshd_config, `=` for `-o`. */
const openSshSettings = ({ kex, hostKey, cipher, mac }: Narrow, separator: string): readonly string[] =>
  [
    ['KexAlgorithms', kex],
    ['HostKeyAlgorithms', hostKey],
    ['Ciphers', cipher],
    ['MACs', mac],
  ].map(each => each.join(separator))

/** OpenSSH's programs, those of the system or others. */
export const openSsh = (ssh = 'ssh', sshd = '/usr/sbin/sshd'): RecordedPeer => {
  // It says so on standard error.
  const version = /OpenSSH_(\d+\.\d+)/.exec(execFileSync('/bin/sh', ['-c', '"$0" -V 2>&1', ssh], { encoding: 'utf8' }))?.[1]
  if (version === undefined) throw new TypeError(`${ssh} -V does not say that it is OpenSSH`)
  return {
    id: `openssh-${version}`,
    ours: ours('curve25519-sha256', 'aes128-gcm@openssh.com'),
    server: {
      start: ({ narrow, compress, banner, ...options }) =>
        sshdServer(`OpenSSH ${version} sshd`, [sshd], {
          ...options,
          config: [
            ...(narrow === undefined ? [] : openSshSettings(narrow, ' ')),
            ...(compress === true ? ['Compression yes'] : []),
            ...(banner === undefined ? [] : [`Banner ${banner}`]),
          ],
        }),
      can: can(
        'password',
        'prompts',
        'chain',
        'terminal',
        'exit-signal',
        'rekeys',
        'delayed-zlib',
        'narrows',
        'subsystem',
        'banner',
        'globals',
      ),
    },
    client: {
      run: request => {
        const { narrow, compress } = request
        const options = [
          ...(request.options ?? []),
          ...(narrow === undefined ? [] : openSshSettings(narrow, '=')),
          `Compression=${compress === true ? 'yes' : 'no'}`,
        ]
        const prepared = sshCommand(`OpenSSH ${version} ssh`, [ssh], { ...request, options })
        return finish(prepared.command, { ...prepared.options, stdin: request.stdin ?? '' })
      },
      can: can('password', 'prompts', 'chain', 'terminal', 'exit-signal', 'rekeys', 'delayed-zlib', 'narrows', 'banner'),
      forward: ['-R0:127.0.0.1:9'],
    },
    knows: what => new Set(execFileSync(ssh, ['-Q', what], { encoding: 'utf8' }).trim().split('\n')),
  }
}

const dropbear = (): RecordedPeer => ({
  id: 'dropbear',
  ours: ours('curve25519-sha256@libssh.org', 'chacha20-poly1305@openssh.com'),
  server: { start: dropbearServer, can: can('password', 'terminal', 'exit-signal') },
  client: { run: runs(dbclient), can: can('password', 'prompts', 'chain'), forward: ['-R', '0:127.0.0.1:9'] },
})

const putty = (): RecordedPeer => ({
  id: 'putty',
  ours: ours('ecdh-sha2-nistp256', 'aes256-ctr', 'hmac-sha2-256-etm@openssh.com'),
  client: {
    run: runs(plink),
    can: can('password', 'prompts', 'terminal', 'rekeys', 'delayed-zlib', 'zlib', 'banner'),
  },
})

const paramiko = (): RecordedPeer => ({
  id: 'paramiko',
  ours: ours('ecdh-sha2-nistp384', 'aes192-ctr', 'hmac-sha2-512'),
  server: { start: paramikoServer, can: can('password', 'prompts', 'terminal', 'exit-signal', 'rekeys', 'delayed-zlib', 'zlib') },
  client: { run: runs(paramikoClient), can: can('password', 'prompts', 'chain', 'terminal', 'rekeys', 'delayed-zlib', 'zlib') },
})

const asyncssh = (): RecordedPeer => ({
  id: 'asyncssh',
  ours: ours('ecdh-sha2-nistp521', 'aes256-gcm@openssh.com'),
  server: { start: asyncsshServer, can: can('password', 'prompts', 'terminal', 'exit-signal', 'delayed-zlib', 'speaks-in-exchange') },
  client: { run: runs(asyncsshClient), can: can('password', 'prompts', 'chain', 'terminal', 'delayed-zlib', 'speaks-in-exchange') },
})

const ssh2 = (): RecordedPeer => ({
  id: 'ssh2',
  ours: ours('curve25519-sha256', 'aes128-ctr', 'hmac-sha2-512-etm@openssh.com'),
  server: { start: ssh2Server, can: can('password', 'prompts', 'chain', 'exit-signal') },
  client: { run: runs(ssh2Client), can: can('password', 'prompts', 'chain', 'terminal') },
})

/**
 * Any other peer, by its command lines: words in which `{port}`, `{user}`, `{key}`, `{password}`, `{answer}`, `{command}`,
 * `{pty}`, `{hostkey}`, `{authorized}`, `{rekey}`, `{compression}` are replaced; what was not asked for is `-`, or 0. A
 * server prints `ready PORT` once it listens and serves one connection.
 */
export const byCommandLines = (id: string, client: string | undefined, server: string | undefined): RecordedPeer => {
  const fill = (words: string, values: Readonly<Record<string, string>>): readonly string[] =>
    words.split(' ').map(word => word.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '-'))
  const all = can('password', 'prompts', 'terminal', 'exit-signal', 'rekeys', 'delayed-zlib', 'zlib')
  const compressionOf = (compress: boolean | undefined): string => (compress === true ? 'zlib@openssh.com,zlib' : 'none')
  return {
    id,
    ours: ours('curve25519-sha256@libssh.org', 'aes256-ctr', 'hmac-sha2-512'),
    ...(client === undefined
      ? {}
      : {
          client: {
            can: all,
            run: ({ to, login, command, pty, rekeyBytes, stdin, compress }) =>
              finish(
                fill(client, {
                  port: String(to.port),
                  user: to.user,
                  key: login.key?.path ?? '-',
                  password: login.password ?? '-',
                  answer: login.answers?.[0] ?? '-',
                  command: command ?? '-',
                  pty: pty === true ? '1' : '0',
                  rekey: String(rekeyBytes ?? 0),
                  compression: compressionOf(compress),
                }),
                { name: id, stdin: stdin ?? '' },
              ),
          },
        }),
    ...(server === undefined
      ? {}
      : {
          server: {
            can: all,
            start: async ({ accepts, hostKeys = [hostKey()], rekeyBytes, compress }) => {
              const port = await freePort()
              const words = fill(server, {
                port: String(port),
                hostkey: hostKeys[0]?.path ?? '-',
                authorized: accepts.keys?.[0]?.line.split(' ')[1] ?? '-',
                password: accepts.password ?? '-',
                answer: accepts.prompts?.[0]?.answer ?? '-',
                rekey: String(rekeyBytes ?? 0),
                compression: compressionOf(compress),
              })
              const running = await start(words, { name: id })
              await withinSeconds(
                10,
                new Promise<void>((resolve, reject) => {
                  running.stdout.once('data', () => resolve())
                  void running.exited.then(() => reject(new Error(running.log())))
                }),
                () => `${id} does not listen: ${running.log()}`,
              )
              return {
                name: id,
                process: running,
                to: { host: '127.0.0.1', port, user: world().user, hostKeys: hostKeys.map(key => key.line) },
                [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
              }
            },
          },
        }),
  }
}

/** The peers that are found on a machine as `interop/README.md` describes it. */
export const peers: Readonly<Record<string, () => RecordedPeer>> = { openssh: () => openSsh(), dropbear, putty, paramiko, asyncssh, ssh2 }

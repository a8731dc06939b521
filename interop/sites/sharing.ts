// Owns a place where a connection is shared: a server, an ssh_config for it, a path for the socket, and either ssh as master or client.
// Knows nothing of what is tested.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { openSshServer } from '../peers/openssh.ts'
import type { PeerServer } from '../peers/peer.ts'
import { freshFile, freshPath } from '../rig/folder.ts'
import { newKey, userKey } from '../rig/keys.ts'
import { type Finished, finish, type FinishOptions, type Running, start, type StartOptions } from '../rig/process.ts'
import { nacre } from './commands.ts'

export const clients = { OpenSSH: ['ssh'], nacre: nacre('ssh') } as const
export type Kind = keyof typeof clients
/** Whether a nacre master takes sessions of stock clients on their descriptors here. */
export const descriptorsPass = process.platform === 'linux' && Number(process.versions.node.split('.')[0]) >= 26

/** A server, and where a connection to it may be shared. */
export interface Place extends AsyncDisposable {
  readonly server: PeerServer
  readonly path: string
  /** The words before the name `there`. */
  words(kind: Kind): readonly string[]
  ssh(kind: Kind, words: readonly string[], options?: FinishOptions): Promise<Finished>
  /** A master that was started and listens. */
  master(kind: Kind, words?: readonly string[], options?: StartOptions): Promise<Running>
}

const sleep = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))
/** Waits until something holds. */
export const until = async (what: () => boolean, words: string): Promise<void> => {
  const end = Date.now() + 30_000
  while (!what()) {
    assert.ok(Date.now() < end, words)
    await sleep(20)
  }
}

/** `lines` are of the client's ssh_config, `config` of the server's sshd_config. */
export const place = async (lines: readonly string[] = [], config: readonly string[] = []): Promise<Place> => {
  const server = await openSshServer({
    accepts: { keys: [userKey()] },
    hostKeys: [newKey('ed25519')],
    config: ['MaxSessions 100', 'MaxStartups 100', ...config],
  })
  const { host, port, user, hostKeys } = server.to
  const known = hostKeys.map(line => `[${host}]:${port} ${line}\n`).join('')
  const file = freshFile(
    'config',
    [
      'Host there',
      `  HostName ${host}`,
      `  Port ${port}`,
      `  User ${user}`,
      `  UserKnownHostsFile ${freshFile('known_hosts', known)}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking yes',
      '  IdentitiesOnly yes',
      `  IdentityFile ${userKey().path}`,
      '  BatchMode yes',
      ...lines.map(line => `  ${line}`),
      '',
    ].join('\n'),
  )
  const path = freshPath('cm')
  const words = (kind: Kind): readonly string[] => [...clients[kind], '-F', file, '-S', path]
  return {
    server,
    path,
    words,
    ssh: (kind, more, options = {}) => finish([...words(kind), ...more], { name: `${kind} ssh`, seconds: 30, ...options }),
    async master(kind, more = [], options = {}) {
      const running = await start([...words(kind), '-M', '-N', ...more, 'there'], { name: `${kind} master`, ...options })
      await until(() => existsSync(path), running.log())
      return running
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
    },
  }
}

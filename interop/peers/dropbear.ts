// Owns starting Dropbear's server and dbclient. Knows nothing of what the tests want from them.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freshFolder, freshPath } from '../rig/folder.ts'
import { hostKey, type KeyFile } from '../rig/keys.ts'
import { answering, freePort } from '../rig/port.ts'
import { finish, start } from '../rig/process.ts'
import { world } from '../rig/world.ts'
import type { ClientPeer, ClientRequest, PeerServer, Prepared, ServerOptions } from './peer.ts'

/** Dropbear 2022.83 reads only its own format. */
const converted = (key: KeyFile): string => {
  const path = freshPath('dropbear-key')
  execFileSync('dropbearconvert', ['openssh', 'dropbear', key.path, path], { stdio: 'pipe' })
  return path
}

/** Why Dropbear's server cannot run here, or `false`: it reads only the authorized_keys in a user's home. */
export const needsHome = (): string | false => (world().privileged ? false : 'needs root, to give the user a home with authorized_keys')

/** Starts Dropbear in the foreground. The keys go into the home of the world's user. */
export const dropbearServer = async (options: ServerOptions): Promise<PeerServer> => {
  const { home, user, give, enter } = world()
  const port = await freePort()
  const ssh = join(home, '.ssh')
  mkdirSync(ssh, { recursive: true, mode: 0o700 })
  chmodSync(ssh, 0o700)
  const authorized = join(ssh, 'authorized_keys')
  writeFileSync(authorized, (options.accepts.keys ?? []).map(key => `${key.line}\n`).join(''), { mode: 0o600 })
  give(ssh)
  give(authorized)
  const keys = options.hostKeys ?? [hostKey('ed25519'), hostKey('ecdsa256'), hostKey('rsa')]
  const command = [
    'dropbear',
    '-F',
    '-E',
    '-m',
    '-p',
    `127.0.0.1:${port}`,
    '-P',
    freshPath('dropbear.pid'),
    ...keys.flatMap(key => ['-r', converted(key)]),
    ...(options.accepts.password === undefined ? ['-s'] : []),
    ...(options.accepts.chain === undefined ? [] : ['-t']),
  ]
  const running = await start(enter(command), { name: 'dropbear', logStdout: true })
  try {
    await answering(port, running)
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  return {
    name: 'Dropbear',
    process: running,
    to: { host: '127.0.0.1', port, user, hostKeys: keys.map(key => key.line) },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

/** The command line of `dbclient` for a request, for tests that want to hold the process themselves. */
export const dbclientCommand = ({ to, login, pty, options, command }: ClientRequest): Prepared => {
  const home = freshFolder('dropbear-home')
  mkdirSync(join(home, '.ssh'))
  writeFileSync(join(home, '.ssh', 'known_hosts'), to.hostKeys.map(line => `${to.host} ${line}\n`).join(''))
  const secret = login.password ?? login.answers?.[0]
  return {
    command: [
      'dbclient',
      '-p',
      String(to.port),
      ...(login.key === undefined ? [] : ['-i', converted(login.key)]),
      ...(pty === true ? ['-t'] : []),
      ...(options ?? []),
      `${to.user}@${to.host}`,
      ...(command === undefined ? [] : [command]),
    ],
    options: { name: 'dbclient', env: { HOME: home, ...(secret === undefined ? {} : { DROPBEAR_PASSWORD: secret }) } },
  }
}

/** Dropbear's client. It answers the password and every hidden prompt with the same secret. */
export const dbclient: ClientPeer = {
  name: 'Dropbear dbclient',
  run: request => {
    const { command, options } = dbclientCommand(request)
    return finish(command, {
      ...options,
      stdin: request.stdin ?? '',
      ...(request.seconds === undefined ? {} : { seconds: request.seconds }),
    })
  },
}

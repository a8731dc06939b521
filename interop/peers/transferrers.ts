// Owns starting programs that move files by SFTP and are no copies of OpenSSH's: rclone, lftp, curl, sshfs, psftp. Knows nothing of
// what the tests move.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { type Finished, finish, type Running, start } from '../rig/process.ts'
import { reachOptions } from './copiers.ts'
import type { Login, Target } from './peer.ts'
import { puttyCommand } from './putty.ts'

/** Why a program cannot be had here, or `false`. */
export const lacks = (program: string): string | false =>
  spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0 ? false : `${program} is not installed`

/** The options of ssh for a target, as `-p` has it. */
const sshOptions = (to: Target, login: Login): readonly string[] => reachOptions(to, login).map(each => (each === '-P' ? '-p' : each))

/** rclone, with the remote `far:`. */
export const rclone = (to: Target, login: Login, words: readonly string[]): Promise<Finished> => {
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const settings = {
    TYPE: 'sftp',
    HOST: to.host,
    PORT: String(to.port),
    USER: to.user,
    KEY_FILE: login.key?.path ?? '',
    KNOWN_HOSTS_FILE: known,
  }
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`RCLONE_CONFIG_FAR_${name}`, value]))
  return finish(['rclone', '--config', '/dev/null', '--retries', '1', '--low-level-retries', '1', ...words], { name: 'rclone', env })
}

/** lftp, with these commands at the server. */
export const lftp = (to: Target, login: Login, commands: readonly string[]): Promise<Finished> => {
  const program = ['ssh', '-a', '-x', ...sshOptions(to, login).slice(0, -2)].join(' ')
  const script = [
    'set cmd:fail-exit yes',
    'set net:max-retries 1',
    'set net:timeout 10',
    `set sftp:connect-program "${program}"`,
    `open -u ${to.user},none -p ${to.port} sftp://${to.host}`,
    ...commands,
  ]
  return finish(['lftp', '--norc', '-f', freshFile('script', `${script.join('\n')}\n`)], {
    name: 'lftp',
    env: { HOME: freshFolder('home') },
  })
}

/** curl; `path` is absolute. */
export const curl = (to: Target, login: Login, path: string, words: readonly string[]): Promise<Finished> => {
  const home = freshFolder('home')
  mkdirSync(`${home}/.ssh`)
  writeFileSync(`${home}/.ssh/known_hosts`, to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const key = login.key === undefined ? [] : ['--key', login.key.path, '--pubkey', login.key.publicPath]
  return finish(['curl', '-sS', '-q', '-u', `${to.user}:`, ...key, ...words, `sftp://${to.host}:${to.port}${path}`], {
    name: 'curl',
    env: { HOME: home },
  })
}

/** PuTTY's psftp with these commands. */
export const psftp = (to: Target, login: Login, commands: readonly string[]): Promise<Finished> => {
  const { command, options } = puttyCommand('psftp', to, login)
  return finish([...command, '-b', freshFile('batch', `${commands.join('\n')}\n`), `${to.user}@${to.host}`], options)
}

/** OpenSSH's sftp with these commands. */
export const sftpBatch = (to: Target, login: Login, commands: readonly string[], seconds = 60): Promise<Finished> =>
  finish(['sftp', '-q', '-b', freshFile('batch', `${commands.join('\n')}\n`), ...reachOptions(to, login), `${to.user}@${to.host}`], {
    name: 'sftp',
    seconds,
  })

/** Why nothing can be mounted here, or `false`. */
export const lacksFuse = (): string | false => {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK)
  } catch {
    return 'there is no /dev/fuse for us'
  }
  return lacks('sshfs') || lacks('fusermount3')
}

/** Mounts `path` of the server at `place` and unmounts it in the end. `undefined` when this machine mounts nothing. */
export const sshfs = async (to: Target, login: Login, path: string, place: string): Promise<(AsyncDisposable & Running) | undefined> => {
  const options = sshOptions(to, login)
  const running = await start(['sshfs', '-f', ...options, `${to.user}@${to.host}:${path}`, place], { name: 'sshfs' })
  // Looking at the place itself would ask the server, which may be in this process.
  const mounted = (): boolean => readFileSync('/proc/self/mounts', 'utf8').includes(` ${place} fuse.sshfs `)
  const until = Date.now() + 15_000
  while (!mounted()) {
    if (running.ended && /fuse: (device not found|mount failed|.*permitted)|fusermount3: mount failed/i.test(running.log()))
      return undefined
    if (running.ended || Date.now() > until) throw new Error(`sshfs did not mount.\n${running.log()}`)
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  const ended = async (): Promise<void> => {
    await finish(['fusermount3', '-u', '-z', place], { seconds: 10 })
    await running.exited
  }
  return Object.assign(Object.create(running) as Running, { [Symbol.asyncDispose]: ended })
}

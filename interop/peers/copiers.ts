// Owns starting programs that copy files over SSH: OpenSSH's scp and what takes its options, PuTTY's pscp. Knows nothing of what
// the tests copy.
import { freshFile } from '../rig/folder.ts'
import { type Finished, type FinishOptions, finish } from '../rig/process.ts'
import type { Login, Target } from './peer.ts'
import { puttyCommand } from './putty.ts'

export interface CopyRequest extends Pick<FinishOptions, 'cwd' | 'seconds'> {
  /** Machines named in the places. */
  readonly to: Target
  readonly login: Login
  /** Letters of the program's own. */
  readonly flags?: readonly string[]
  /** Sources and the target: `far(path)` for what is on the other machine. */
  readonly places: (far: (path: string) => string) => readonly string[]
}

/** A program that copies. */
export interface Copier {
  readonly name: string
  /** Speaks SFTP, so that the other machine needs no scp and no shell. */
  readonly sftp: boolean
  /** Carries names with a line feed. */
  readonly anyName: boolean
  run(request: CopyRequest): Promise<Finished>
}

/** The options that make a program like OpenSSH's reach only what the test gives it. */
export const reachOptions = (to: Target, login: Login): readonly string[] => {
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const settings = [
    `UserKnownHostsFile=${known}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'PreferredAuthentications=publickey',
    'IdentitiesOnly=yes',
    `IdentityFile=${login.key?.path ?? 'none'}`,
    'ConnectTimeout=20',
  ]
  return ['-F', 'none', ...settings.flatMap(each => ['-o', each]), '-P', String(to.port)]
}

const likeOpenSsh = (name: string, program: readonly string[], protocol: '-O' | '-s'): Copier => ({
  name: `${name} ${protocol === '-O' ? '-O' : '(SFTP)'}`,
  sftp: protocol === '-s',
  anyName: protocol === '-s',
  run: ({ to, login, flags = [], places, ...how }) =>
    finish([...program, protocol, ...reachOptions(to, login), ...flags, '--', ...places(path => `${to.user}@${to.host}:${path}`)], {
      name,
      ...how,
    }),
})

const likePutty = (protocol: '-scp' | '-sftp'): Copier => ({
  name: `PuTTY pscp ${protocol}`,
  sftp: protocol === '-sftp',
  anyName: false,
  run: ({ to, login, flags = [], places, ...how }) => {
    const { command, options } = puttyCommand('pscp', to, login)
    return finish([...command, protocol, '-q', ...flags, ...places(path => `${to.user}@${to.host}:${path}`)], { ...options, ...how })
  },
})

/** Programs of others. */
export const theirCopiers: readonly Copier[] = [
  likeOpenSsh('OpenSSH scp', ['scp'], '-s'),
  likeOpenSsh('OpenSSH scp', ['scp'], '-O'),
  likePutty('-sftp'),
  likePutty('-scp'),
]

/** One of ours, by the words that start it. */
export const copiersOf = (name: string, program: readonly string[]): readonly Copier[] => [
  likeOpenSsh(name, program, '-s'),
  likeOpenSsh(name, program, '-O'),
]

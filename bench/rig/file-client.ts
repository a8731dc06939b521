// Owns clients that move files: sites that answer calls, the program `sftp`, and rclone. Knows nothing of how servers are
// started, of rounds and of tables.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { freshFile } from '../../interop/rig/folder.ts'
import { userKey } from '../../interop/rig/keys.ts'
import { finish } from '../../interop/rig/process.ts'
import type { FileArgs, FilesMoved } from '../sites/types.ts'
import { loginAt, sshOptionsAt } from './client.ts'
import type { ServerEnd } from './server.ts'
import type { Site } from './site.ts'

/** `visit` logs in, opens SFTP and leaves: what the others are to be freed of. `pour` writes `count` bytes that lie in memory. */
export type FileCall = 'visit' | 'pour' | 'get' | 'put' | 'getTree' | 'putTree' | 'list' | 'stats'
export type FileWork = Partial<Pick<FileArgs, 'remote' | 'local' | 'count' | 'lanes'>>

export interface FileClient extends AsyncDisposable {
  readonly site: Site | undefined
  /** Rejects when it fails or takes longer than `seconds`. */
  work(server: ServerEnd, call: FileCall, work: FileWork, seconds?: number): Promise<FilesMoved>
}

const patience = 240

export const filesOf = async (starting: Promise<Site>, cipher: string): Promise<FileClient> => {
  const site = await starting
  return {
    site,
    work: (server, call, work, seconds = patience) =>
      site.call<FilesMoved>(
        call,
        { ...loginAt(server, cipher), remote: '', local: '', count: 0, lanes: 1, ...work } satisfies FileArgs,
        seconds,
      ),
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

/** Runs a program under bash's `time`: CPU of it and all it starts. */
const timed = async (command: readonly string[], seconds: number): Promise<FilesMoved> => {
  const started = performance.now()
  const { code, stderr } = await finish(['bash', '-c', `TIMEFORMAT='spent %3U %3S'; time "$@" >/dev/null`, 'bash', ...command], {
    stdin: '',
    seconds,
  })
  const wall = (performance.now() - started) / 1000
  const spent = /^spent ([0-9.]+) ([0-9.]+)$/m.exec(stderr)
  if (code !== 0 || spent === null) throw new Error(`${command[0]} ended with ${code}.\n${stderr}`)
  return { cpu: Number(spent[1]) + Number(spent[2]), wall, work: wall }
}

const program = (commandOf: (server: ServerEnd, call: FileCall, work: Required<FileWork>) => readonly string[]): FileClient => ({
  site: undefined,
  work: (server, call, work, seconds = patience) => {
    const whole = { remote: '', local: '', count: 0, lanes: 1, ...work }
    if (call === 'getTree') mkdirSync(dirname(whole.local), { recursive: true })
    return timed(commandOf(server, call, whole), seconds)
  },
  [Symbol.asyncDispose]: async () => {},
})

const batchOf = (call: FileCall, { remote, local, count }: Required<FileWork>): string => {
  switch (call) {
    case 'get':
      return `get ${remote} ${local}`
    case 'put':
      return `put ${local} ${remote}`
    case 'getTree':
      return `get -r ${remote} ${local}`
    case 'putTree':
      return `mkdir ${remote}\nput -r ${local}/. ${remote}`
    case 'list':
      return `ls -ln ${remote}`
    case 'stats':
      return `ls -ln ${remote}\n`.repeat(count)
    default:
      return ''
  }
}

/** The program `sftp` with a batch of commands. */
export const sftpProgram = (cipher: string): FileClient =>
  program((server, call, work) => {
    const options = sshOptionsAt(server, cipher)
    const [port, destination] = [options.at(-2) as string, options.at(-1) as string]
    // sftp has -P where ssh has -p, and knows no -T.
    const before = options.slice(0, -3).filter(each => each !== '-T')
    return ['sftp', '-q', '-b', freshFile('batch', `${batchOf(call, work)}\n`, 0o644), ...before, '-P', port, destination]
  })

/** rclone as it comes, with algorithms of its own choice: this version cannot be told. It knows whole files and trees only. */
export const rcloneProgram = (): FileClient =>
  program((server, call, { remote, local }) => {
    const far = (path: string): string => `:sftp:${path}`
    const options = [
      `--sftp-host=127.0.0.1`,
      `--sftp-port=${server.port}`,
      `--sftp-user=${server.user}`,
      `--sftp-key-file=${userKey().path}`,
      '--config=/dev/null',
      // What it would ask by commands on the far side; the copy itself stays as it comes.
      '--sftp-disable-hashcheck',
      '--ignore-times',
    ]
    if (call === 'get') return ['rclone', 'copyto', ...options, far(remote), local]
    if (call === 'put') return ['rclone', 'copyto', ...options, local, far(remote)]
    return ['rclone', 'lsf', ...options, '--max-depth=1', far('/dev/null')]
  })

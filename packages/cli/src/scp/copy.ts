// Owns which way each source takes to the target: up, down, between two other machines, or not over a network at all. Knows
// nothing of how a way is gone.
import { statSync } from 'node:fs'
import { escapeForPeople } from 'nacre'
import { scpCommand } from 'nacre/scp'
import { spawnClean } from '../spawn.ts'
import type { ProgramPipe } from '../transfer/pipes.ts'
import type { LocalTarget, RemoteTarget, Target } from '../transfer/targets.ts'
import { byScp } from './by-scp.ts'
import { bySftp } from './by-sftp.ts'
import type { Job } from './job.ts'
import type { ScpCopy } from './options.ts'

const copier = (job: Job) => (job.settings.protocol === 'scp' ? byScp : bySftp)

/** Both on this machine: cp(1) does it, as in OpenSSH. */
const copyHere = async (job: Job, source: LocalTarget, target: LocalTarget): Promise<void> => {
  const flags = [...(job.settings.recursive ? ['-r'] : []), ...(job.settings.preserve ? ['-p'] : [])]
  const child = spawnClean('cp', [...flags, '--', source.path, target.path], { stdio: ['inherit', 'inherit', 'inherit'] })
  const code = await new Promise<number>(done => {
    child.once('error', error => {
      job.fail(`cp could not be started: ${error.message}`)
      done(0)
    })
    child.once('close', ended => done(ended ?? 255))
  })
  if (code !== 0) job.failed()
}

/** `user@host:path`, as it was typed or as good. */
const shownTarget = ({ host, path }: RemoteTarget): string => {
  const name = host.host.includes(':') ? `[${host.host}]` : host.host
  return `${host.user === undefined ? '' : `${host.user}@`}${name}:${path}`
}

const words = new TextDecoder()

/** -R: an scp on the first machine copies to the second. */
const copyThere = async (job: Job, source: RemoteTarget, target: RemoteTarget): Promise<void> => {
  const flags = scpCommand({
    role: 'source',
    path: '',
    recursive: job.settings.recursive,
    preserve: job.settings.preserve,
    verbose: job.settings.verbose,
  })
  const command = `${flags.replace(/ -f $/, '')} ${source.path === '' ? '.' : source.path} ${shownTarget(target)}`
  const pipe: ProgramPipe = await job.run(source.host, command)
  pipe.end()
  pipe.tap({ data: bytes => void job.environment.stdout.write(escapeForPeople(words.decode(bytes), { lines: true })), end: () => {} })
  if ((await pipe.exited) !== 0) job.failed()
}

const toRemote = async (job: Job, sources: readonly Target[], target: RemoteTarget): Promise<void> => {
  const many = sources.length > 1
  const local = sources.filter(each => each.is === 'local')
  for (const source of sources) {
    if (source.is === 'local') continue
    if (job.settings.between === 'there') await copyThere(job, source, target)
    else await copier(job).relayFiles(job, source, target, many)
  }
  if (local.length > 0) await copier(job).sendFiles(job, local, target, many)
}

const isDirectory = (path: string): true | string => {
  try {
    return statSync(path).isDirectory() || 'Not a directory'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'No such file or directory' : (error as Error).message
  }
}

const toLocal = async (job: Job, sources: readonly Target[], target: LocalTarget): Promise<void> => {
  const why = sources.length > 1 ? isDirectory(target.path) : true
  if (why !== true) return job.fail(`${escapeForPeople(target.path)}: ${why}`)
  for (const source of sources) {
    if (source.is === 'local') await copyHere(job, source, target)
    else await copier(job).receiveFiles(job, source, target)
  }
}

/** Copies all there is to copy; what went wrong is in the job. */
export const copyAll = ({ sources, target }: ScpCopy, job: Job): Promise<void> =>
  target.is === 'remote' ? toRemote(job, sources, target) : toLocal(job, sources, target)

// Owns copying by the scp protocol (-O): local files to and from an `scp` that runs on the other machine, and the bytes of two
// such programs joined. Knows nothing of SFTP.
import { ScpError } from 'nacre'
import { type CopyOptions, type FileWatch, receiveByScp, scpCommand, sendByScp, wantedNames } from 'nacre/scp'
import { localFiles } from 'nacre/sftp/server'
import type { ProgramPipe } from '../transfer/pipes.ts'
import type { RemoteTarget } from '../transfer/targets.ts'
import { type Job, localPath, type Ways } from './job.ts'

/** An empty path is the home. */
const remotePath = ({ path }: RemoteTarget): string => (path === '' ? '.' : path)

const request = (job: Job, role: 'sink' | 'source', target: RemoteTarget, directory = false): string => {
  const { recursive, preserve, verbose } = job.settings
  return scpCommand({ role, path: remotePath(target), recursive, preserve, directory, verbose })
}

const copyOptions = (job: Job): CopyOptions & { readonly report: (message: string) => void } => ({
  recursive: job.settings.recursive,
  preserve: job.settings.preserve,
  report: message => job.fail(message),
  ...(job.settings.verbose ? { note: (text: string) => job.explain(text) } : {}),
  ...(job.shows ? { watch: (name: string, size: number) => watchOf(job, name, size) } : {}),
})

const watchOf = (job: Job, name: string, size: number): FileWatch => {
  const meter = job.meter(name, size)
  return { moved: bytes => meter.update(bytes), ended: () => meter.finish() }
}

/** Runs a conversation to its end, and the program at the other end of it. */
const converse = async (job: Job, pipe: ProgramPipe, work: () => Promise<unknown>): Promise<void> => {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ScpError)) throw error
    job.signal.throwIfAborted()
    if (error.code === 'SCP_CUT_OFF') job.fail('lost connection')
    else job.fail(error.message)
  }
  if ((await pipe.exited) !== 0) job.failed()
}

/** Local files to another machine, all in one conversation. */
const sendFiles: Ways['sendFiles'] = async (job, sources, target, many) => {
  const pipe = await job.run(target.host, request(job, 'sink', target, many))
  const named = sources.map(({ path }) => ({ path: localPath(path), shown: path }))
  await converse(job, pipe, () => sendByScp(pipe, localFiles(), named, copyOptions(job)))
}

/** What one source names on another machine, to a local target. */
const receiveFiles: Ways['receiveFiles'] = async (job, source, target) => {
  const pipe = await job.run(source.host, request(job, 'source', source))
  await converse(job, pipe, () =>
    receiveByScp(
      pipe,
      localFiles(),
      { path: localPath(target.path), shown: target.path },
      {
        ...copyOptions(job),
        ...(job.settings.trusting ? {} : { wanted: wantedNames(remotePath(source)) }),
      },
    ),
  )
}

/** From one machine to another, through this one: both programs talk, and we pass on what they say. */
const relayFiles: Ways['relayFiles'] = async (job, source, target, many) => {
  const from = await job.run(source.host, request(job, 'source', source))
  const to = await job.run(target.host, request(job, 'sink', target, many))
  const join = (one: ProgramPipe, other: ProgramPipe): void =>
    one.tap({
      data: bytes => other.write(bytes)?.catch(() => {}),
      end: () => other.end(),
    })
  join(from, to)
  join(to, from)
  for (const code of await Promise.all([from.exited, to.exited])) if (code !== 0) job.failed()
}

export const byScp: Ways = { sendFiles, receiveFiles, relayFiles }

// Owns the client's side of scp: sending files to a server's sink, and taking what its source sends, over a pipe on which
// the server's `scp` runs already. Knows nothing of connections and of what was typed.
import { ScpError } from '../errors.ts'
import type { Files } from '../sftp/files.ts'
import type { BytePipe } from '../sftp/pipe.ts'
import { Conversation } from './conversation.ts'
import { Sink, type SinkOptions } from './sink.ts'
import { type CopyOptions, type NamedPath, Source } from './source.ts'

export interface ScpClientOptions {
  /** Told each error of either side, as a sentence that is safe to show. */
  readonly report: (message: string) => void
}

/** How a copy went that was not cut short. */
export interface ScpOutcome {
  /** Files and directories that could not be copied, or not wholly. */
  readonly errors: number
}

const converse = async (
  pipe: BytePipe,
  report: ScpClientOptions['report'],
  work: (talk: Conversation) => Promise<void>,
): Promise<ScpOutcome> => {
  const talk = new Conversation(pipe, report)
  try {
    await work(talk)
    talk.throwUnexpected()
    talk.finish()
    return { errors: talk.errors }
  } catch (error) {
    talk.abort()
    throw error
  }
}

/**
 * Sends `sources` from `files` to a sink (`scp -t` at the other end). Throws `ScpError` when the other side gives up, breaks the
 * protocol or goes away; what merely could not be copied is counted and reported.
 */
export const sendByScp = (
  pipe: BytePipe,
  files: Files,
  sources: readonly NamedPath[],
  options: CopyOptions & ScpClientOptions,
): Promise<ScpOutcome> =>
  converse(pipe, options.report, async talk => {
    if (!(await talk.agreed())) throw new ScpError('SCP_REFUSED', talk.complaint)
    const source = new Source(talk, files, options)
    for (const each of sources) await source.send(each)
  })

/** Takes what a source sends (`scp -f` at the other end) into `target` of `files`. Throws `ScpError` as `sendByScp` does. */
export const receiveByScp = (
  pipe: BytePipe,
  files: Files,
  target: NamedPath,
  options: SinkOptions & ScpClientOptions,
): Promise<ScpOutcome> => converse(pipe, options.report, talk => new Sink(talk, files, options).receive(target))

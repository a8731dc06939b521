// Owns a process's standard streams as a pipe, for protocols that run over one: SFTP, scp. When the process ends it says why, as far
// as the process did. Knows nothing of what the bytes mean.
import { escapeForPeople, type Exit, SftpError } from '../errors.ts'
import type { BytePipe, PipeTap } from '../sftp/pipe.ts'
import type { Process } from './process.ts'

/** Of what it writes to standard error the last so many bytes are kept. */
const keptErrors = 2048

const howItEnded = (exit: Exit): string | undefined => {
  if ('code' in exit) return exit.code === 0 ? undefined : `ended with status ${exit.code}`
  if ('signal' in exit) return `was ended by signal ${escapeForPeople(exit.signal)}`
  return undefined
}

/** Why there is no more, as far as it is not the ordinary end. */
const reasonOf = (exit: Exit, errors: Uint8Array): SftpError | undefined => {
  const how = howItEnded(exit)
  const said = new TextDecoder().decode(errors).trim()
  if (how === undefined && said === '') return undefined
  const line = said.split('\n').at(-1) ?? ''
  const words = line === '' ? '' : ` and said "${escapeForPeople(line.trimEnd(), { limit: 300 })}"`
  const missing = 'code' in exit && exit.code === 127 ? ' The program was not found there.' : ''
  return new SftpError('connection-lost', `The program at the other end ${how ?? 'ended'}${words}.${missing}`)
}

/** `process` belongs to the pipe from then on. */
export const processPipe = (process: Process): BytePipe => {
  let errors = new Uint8Array(0)
  const keep = (bytes: Uint8Array): void => {
    const all = new Uint8Array(errors.length + bytes.length)
    all.set(errors)
    all.set(bytes, errors.length)
    errors = all.slice(-keptErrors)
  }
  /** What is written to a process that has ended fails for the reason that it ended, which is told at the same moment. */
  const ended = async (error: unknown): Promise<void> => {
    const exit = await process.exited.catch(() => undefined)
    throw (exit === undefined ? undefined : reasonOf(exit, errors)) ?? error
  }
  return {
    write: bytes => process.write(bytes)?.catch(ended),
    tap(tap: PipeTap) {
      process.tap({ stdout: (bytes, detached) => tap.data(bytes, detached), stderr: keep })
      void process.exited.then(
        exit => tap.end(reasonOf(exit, errors)),
        (error: unknown) => tap.end(error instanceof Error ? error : new Error(String(error))),
      )
    },
    widen: size => process.widen(size),
    end: () => void process.stdin.end(),
    abort: () => process.close(),
  }
}

// Owns reaching the server and what the destination's path asks for: the session begins there, or a file is fetched and all is
// done. Knows no command but by its line.
import { SshError } from 'nacre'
import { openSftp, type Sftp } from 'nacre/sftp'
import type { Environment } from '../environment.ts'
import { localServer, reachHost, type Remote, sshArguments } from '../transfer/connect.ts'
import type { ProgramPipe } from '../transfer/pipes.ts'
import { shownHostOf } from '../transfer/targets.ts'
import { isFarDirectory } from './far.ts'
import type { SftpCall } from './options.ts'
import type { Session } from './session.ts'
import { inMessage, visible } from './shown.ts'
import { runLine } from './table.ts'

/** The server could not be reached, or is gone. */
class UnreachableError extends SshError {
  constructor(cause: Error) {
    super('UNREACHABLE', cause.message, { cause })
  }
}

export interface Reached extends AsyncDisposable {
  readonly sftp: Sftp
}

const pipeTo = async (remote: Remote, subsystem: string): Promise<ProgramPipe> =>
  // A path is a command.
  subsystem.includes('/') ? await remote.exec(subsystem) : await remote.subsystem(subsystem)

/** Reaches the server. Throws `ConfigError`, `UsageError`, and `UnreachableError` for all that is nobody's fault here. */
export const reachServer = async (
  { line, settings, target }: SftpCall,
  environment: Environment,
  signal: AbortSignal,
): Promise<Reached> => {
  let remote: Remote | undefined
  try {
    if (target !== undefined) {
      const reach = {
        arguments: sshArguments(line, { batch: settings.batch !== undefined, agent: true }),
        ...(settings.program === undefined ? {} : { program: settings.program, ignoresInterrupts: true }),
        environment,
        signal,
      }
      remote = await reachHost(reach, target.host)
    }
    const local = settings.server
    const pipe = remote === undefined ? localServer(local ?? '', signal, true) : await pipeTo(remote, settings.subsystem)
    const serverVersion = remote?.connection?.serverVersion
    // A program that could not be started says so better than the silence it leaves.
    const started = pipe.exited.then(() => new Promise<never>(() => {}))
    const version = serverVersion === undefined ? {} : { serverVersion }
    // Programs have a connection for each channel, and ask for a password for each.
    const reached = remote?.connection === undefined ? undefined : remote
    const another = reached && (async (stop = signal) => openSftp(await pipeTo(reached, settings.subsystem), { signal: stop, ...version }))
    const opened = openSftp(pipe, { signal, ...version, ends: { another } })
    opened.catch(() => {})
    const sftp = await Promise.race([opened, started])
    if (!settings.quiet)
      environment.stderr.write(
        target === undefined ? `Attached to ${inMessage(local ?? '')}.\n` : `Connected to ${shownHostOf({ host: target.host.host })}.\n`,
      )
    return {
      sftp,
      async [Symbol.asyncDispose]() {
        await sftp.close()
        await remote?.[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await remote?.[Symbol.asyncDispose]()
    signal.throwIfAborted()
    throw error instanceof SshError && !['CONFIG', 'USAGE'].includes(error.code) ? new UnreachableError(error) : error
  }
}

/** A text as a word of a line. */
const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** Does what the path of the destination asks for. Resolves with the exit code when that is all there is to do. */
export const arrive = async (session: Session, { target, local }: SftpCall): Promise<number | undefined> => {
  const path = target?.path ?? ''
  if (path === '' && local === undefined) return undefined
  const wanted = session.far(path)
  if (local === undefined && (await isFarDirectory(session, wanted))) {
    if (!session.settings.quiet) session.say(`Changing to: ${visible(wanted)}`)
    const result = await runLine(session, `cd ${quoted(wanted)}`, { echo: false, strict: true })
    return result === 'failed' ? 1 : undefined
  }
  // What the person wrote there may be a pattern.
  const pattern = wanted.replace(/['"\\\s#]/g, '\\$&')
  const get = `get ${pattern}${local === undefined ? '' : ` ${quoted(local)}`}`
  return (await runLine(session, get, { echo: false, strict: true })) === 'failed' ? 1 : 0
}

// Owns serving files over a pipe, and as a handler for sessions of an SSH server. Knows no runtime and no disk.
import { ConfigError, SftpError } from '../../errors.ts'
import type { Files, MaybePromise } from '../files.ts'
import type { BytePipe } from '../pipe.ts'
import type { SharedHandles } from './open-files.ts'
import { type ServerRuntime, settle, type Settled, type SftpServerOptions } from './options.ts'
import { swapsLink } from './quirks.ts'
import { SftpSession } from './session.ts'
import { defaultPatience, outlasting, type PipedSession, sessionPipe } from './session-pipe.ts'

const unshared: SharedHandles = { reserve: () => true, release: () => {} }

/** Where a client begins: where the options say, else at home, else at the root. */
const startOf = async (files: Files, options: Settled): Promise<string> => {
  if (options.start !== undefined) return options.start
  try {
    const home = await files.home('')
    return home.startsWith('/') ? home : '/'
  } catch (error) {
    if (error instanceof SftpError) return '/'
    throw error
  }
}

const serve = async (pipe: BytePipe, files: Files, options: Settled, shared: SharedHandles, clientVersion: string): Promise<void> => {
  const start = await startOf(files, options)
  await new Promise<void>((resolve, reject) => {
    void new SftpSession({
      pipe,
      files,
      options,
      start,
      shared,
      swapsLink: version => swapsLink(clientVersion, version),
      done: fault => {
        if (fault === undefined) resolve()
        else reject(fault)
      },
    })
  })
}

export type ServeSftp = (pipe: BytePipe, files: Files, options?: SftpServerOptions) => Promise<void>

/**
 * Serves one client until it stops, and resolves when everything it had open is closed. Rejects with `SftpError` when the
 * client broke the rules (`bad-message`) or stopped in the middle of a packet (`connection-lost`), with what the pipe says when
 * it was cut off, and with `ConfigError` for options that cannot be.
 */
export const serveSftpOn =
  (runtime: ServerRuntime): ServeSftp =>
  async (pipe, files, options = {}) =>
    await serve(pipe, files, settle(options, runtime), unshared, options.clientVersion ?? '')

export interface SftpHandlerOptions extends SftpServerOptions {
  /** Files and directories open at once over all sessions of this handler. Default 10,000. */
  readonly handlesOverall?: number
  /**
   * Milliseconds that files may take to come back when the client is gone; then the session is given up with `TimeoutError`, and
   * what they still hold is closed should they ever be done. 0 for as long as it takes. Default 60,000.
   */
  readonly patience?: number
  /** Why a session ended that did not end well. */
  readonly ended?: (fault: unknown) => void
}

/**
 * A session handler: `createServer({ session: { subsystems: { sftp: sftpServer(files) } } })`. `files` may depend on who it is,
 * and so may `options`. A session that did not end well has exit status 1.
 */
export const sftpServerOn = <S extends PipedSession>(
  runtime: ServerRuntime,
  files: Files | ((session: S) => MaybePromise<Files>),
  options: SftpHandlerOptions,
): ((session: S) => Promise<number>) => {
  const settled = settle(options, runtime)
  const { handlesOverall: most = 10_000, patience = defaultPatience } = options
  if (!(patience >= 0)) throw new ConfigError(`patience must be a number of milliseconds, not ${patience}.`)
  let open = 0
  const shared: SharedHandles = {
    reserve: () => {
      if (open >= most) return false
      open++
      return true
    },
    release: () => {
      open--
    },
  }
  return async session => {
    const pipe = sessionPipe(session)
    try {
      const serving = async (): Promise<void> =>
        await serve(
          pipe,
          typeof files === 'function' ? await files(session) : files,
          settled,
          shared,
          options.clientVersion ?? session.clientVersion ?? '',
        )
      await outlasting(session, serving(), patience)
      return 0
    } catch (error) {
      options.ended?.(error)
      return 1
    }
  }
}

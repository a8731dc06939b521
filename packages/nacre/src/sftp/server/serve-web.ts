// Owns serving files where there is no Node. Knows no protocol.
import type { Files, MaybePromise } from '../files.ts'
import { webHasher } from './hashes-web.ts'
import type { ServerRuntime } from './options.ts'
import { serveSftpOn, type ServeSftp, type SftpHandlerOptions, sftpServerOn } from './serve.ts'
import type { PipedSession } from './session-pipe.ts'

const runtime: ServerRuntime = {
  hasher: webHasher,
  // Timers go to sleep for milliseconds.
  soon: act => queueMicrotask(act),
  later: act => void setTimeout(act, 0),
}

/** See `serveSftpOn`. */
export const serveSftp: ServeSftp = serveSftpOn(runtime)

/** See `sftpServerOn`. */
export const sftpServer = <S extends PipedSession>(
  files: Files | ((session: S) => MaybePromise<Files>),
  options: SftpHandlerOptions = {},
): ((session: S) => Promise<number>) => sftpServerOn(runtime, files, options)

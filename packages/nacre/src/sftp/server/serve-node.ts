// Owns serving files with what Node has. Knows no protocol.
import type { Files, MaybePromise } from '../files.ts'
import { nodeHasher } from './hashes-node.ts'
import type { ServerRuntime } from './options.ts'
import { serveSftpOn, type ServeSftp, type SftpHandlerOptions, sftpServerOn } from './serve.ts'
import type { PipedSession } from './session-pipe.ts'

const runtime: ServerRuntime = {
  hasher: nodeHasher,
  soon: act => void setImmediate(act),
  later: act => void setImmediate(act),
}

/** See `serveSftpOn`. */
export const serveSftp: ServeSftp = serveSftpOn(runtime)

/** See `sftpServerOn`. */
export const sftpServer = <S extends PipedSession>(
  files: Files | ((session: S) => MaybePromise<Files>),
  options: SftpHandlerOptions = {},
): ((session: S) => Promise<number>) => sftpServerOn(runtime, files, options)

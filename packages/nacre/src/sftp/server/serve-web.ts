// Owns serving files where there is no Node, with hashes that need none. Knows no protocol.
import type { Files, MaybePromise } from '../files.ts'
import type { BytePipe } from '../pipe.ts'
import { webHasher } from './hashes-web.ts'
import type { SftpServerOptions } from './options.ts'
import * as portable from './serve.ts'
import type { SftpHandlerOptions } from './serve.ts'
import type { PipedSession } from './session-pipe.ts'

/** As in `serve.ts`, with hashes of our own unless `options` has others. */
export const serveSftp = async (pipe: BytePipe, files: Files, options: SftpServerOptions = {}): Promise<void> =>
  await portable.serveSftp(pipe, files, { hasher: webHasher, ...options })

/** As in `serve.ts`, with hashes of our own unless `options` has others. */
export const sftpServer = <S extends PipedSession>(
  files: Files | ((session: S) => MaybePromise<Files>),
  options: SftpHandlerOptions = {},
): ((session: S) => Promise<number>) => portable.sftpServer(files, { hasher: webHasher, ...options })

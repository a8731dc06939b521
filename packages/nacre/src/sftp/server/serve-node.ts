// Owns serving files with what Node has: its hashes. Knows no protocol.
import type { Files, MaybePromise } from '../files.ts'
import type { BytePipe } from '../pipe.ts'
import { nodeHasher } from './hashes-node.ts'
import type { SftpServerOptions } from './options.ts'
import * as portable from './serve.ts'
import type { SftpHandlerOptions } from './serve.ts'
import type { PipedSession } from './session-pipe.ts'

/** As in `serve.ts`, with Node's hashes unless `options` has others. */
export const serveSftp = async (pipe: BytePipe, files: Files, options: SftpServerOptions = {}): Promise<void> =>
  await portable.serveSftp(pipe, files, { hasher: nodeHasher, ...options })

/** As in `serve.ts`, with Node's hashes unless `options` has others. */
export const sftpServer = <S extends PipedSession>(
  files: Files | ((session: S) => MaybePromise<Files>),
  options: SftpHandlerOptions = {},
): ((session: S) => Promise<number>) => portable.sftpServer(files, { hasher: nodeHasher, ...options })

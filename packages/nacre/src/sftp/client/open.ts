// Owns the start of a session of SFTP over any pipe. Knows nothing of SSH.
import type { BytePipe } from '../pipe.ts'
import { Calls, type Given } from './calls.ts'
import { quirksOf } from './quirks.ts'
import { Requests, type RequestsOptions } from './requests.ts'
import { Sftp, type SftpEnds } from './sftp.ts'

export interface OpenSftpOptions extends RequestsOptions, Given {
  /** The software the SSH server says it is, as `OpenSSH_9.2p1`: some need to be treated differently. Default unknown. */
  readonly serverVersion?: string
  /** For `download` and `upload`. Default none. */
  readonly ends?: SftpEnds
}

/**
 * Starts SFTP over `pipe`, at whose other end a server is, and resolves once that has greeted. Rejects with `SftpError` when it ends
 * before, with `SftpProtocolError` when it speaks something else, with `TimeoutError` after the deadline; the pipe is given up
 * then. `signal` matters only until it resolves.
 */
export const openSftp = async (pipe: BytePipe, { serverVersion = '', signal, ends, ...options }: OpenSftpOptions = {}): Promise<Sftp> => {
  signal?.throwIfAborted()
  const requests = new Requests(pipe, options)
  const abort = (): void => requests.fail(signal?.reason instanceof Error ? signal.reason : new Error(String(signal?.reason)))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await requests.ready
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  return new Sftp(new Calls(requests, quirksOf(serverVersion)), serverVersion, ends)
}

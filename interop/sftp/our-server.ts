// Our server of SFTP in this process, at the other end of two queues of bytes.
import type { Files, PipeTap, SftpServerOptions } from '../../packages/nacre/src/sftp/server/index.ts'
import { serveSftp } from '../../packages/nacre/src/sftp/server/index.ts'
import type { RawPipe } from './raw-client.ts'

/** Serves `files`; `start` is where relative paths begin. */
export const pipeToOurs = (files: Files, options: SftpServerOptions): RawPipe => {
  let tap: PipeTap | undefined
  let take: ((bytes: Uint8Array | undefined) => void) | undefined
  const early: Uint8Array[] = []
  let failure: unknown
  const served = serveSftp(
    {
      // The bytes are the server's again when this returns.
      write: bytes => {
        const copy = bytes.slice()
        queueMicrotask(() => take?.(copy))
        return undefined
      },
      tap: given => {
        tap = given
        for (const bytes of early.splice(0)) void given.data(bytes, true)
      },
      end: () => queueMicrotask(() => take?.(undefined)),
      abort: () => queueMicrotask(() => take?.(undefined)),
    },
    files,
    {
      ...options,
      log: {
        failed: error => {
          failure ??= error
        },
      },
    },
  )
  return {
    write: bytes => {
      if (tap === undefined) early.push(bytes)
      else void tap.data(bytes, true)
    },
    receive: given => {
      take = given
    },
    end: async () => {
      tap?.end()
      await served
      if (failure !== undefined) throw failure
    },
  }
}

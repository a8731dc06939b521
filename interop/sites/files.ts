// Owns our server of files as the peers meet it: in this process, one host key, with a shell beside it for those who ask for one.
// Knows nothing of the peers.
import { type Files, SftpError, sftpServer, type SftpHandlerOptions } from 'nacre/sftp/server'
import { hostKey, userKey } from '../rig/keys.ts'
import { type NacreServer, nacreServer, shellSession } from './server.ts'

export interface FileSite extends NacreServer {
  /** What a client did that breaks the rules, and what our files threw that was no refusal. That it left in a hurry is not here. */
  readonly faults: readonly unknown[]
}

/** Serves `files` to whoever has the user's key. */
export const fileSite = async (files: Files, options: SftpHandlerOptions & { readonly shell?: boolean } = {}): Promise<FileSite> => {
  const { shell = false, ...others } = options
  const faults: unknown[] = []
  const ended = (fault: unknown): void => {
    if (fault instanceof SftpError && fault.status === 'bad-message') faults.push(fault)
  }
  const sftp = sftpServer(files, { log: { failed: error => faults.push(error) }, ended, ...others })
  const server = await nacreServer({
    accepts: { keys: [userKey()] },
    hostKeys: [hostKey()],
    session: { subsystems: { sftp }, ...(shell ? { exec: shellSession, shell: shellSession } : {}) },
  })
  return Object.assign(server, { faults })
}

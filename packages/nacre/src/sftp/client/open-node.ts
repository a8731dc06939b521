// Owns the start of a session of SFTP over any pipe on Node, where there are files at this end. Knows nothing of SSH.
import type { BytePipe } from '../pipe.ts'
import { openSftp as openAnywhere, type OpenSftpOptions } from './open.ts'
import type { Sftp } from './sftp.ts'

/** As elsewhere, and `download` and `upload` take paths of this machine. */
export const openSftp = async (pipe: BytePipe, options: OpenSftpOptions = {}): Promise<Sftp> => {
  const localFiles = async () => (await import('../transfer/local-node.ts')).localNode
  return await openAnywhere(pipe, { ...options, ends: { localFiles, ...options.ends } })
}

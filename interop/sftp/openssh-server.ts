// OpenSSH's server of SFTP as a process over its standard streams.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { RawPipe } from './raw-client.ts'

const candidates = [
  '/usr/lib/openssh/sftp-server',
  '/usr/libexec/openssh/sftp-server',
  '/usr/lib/ssh/sftp-server',
  '/usr/libexec/sftp-server',
]
/** Where it is on this machine, if anywhere. */
export const sftpServer = candidates.find(existsSync)

/** A program that speaks SFTP on its standard streams, in `folder`. */
export const pipeTo = (program: string, args: readonly string[], folder: string): RawPipe => {
  const child = spawn(program, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  child.stdin.on('error', () => undefined)
  return {
    write: bytes => void child.stdin.write(bytes),
    receive: take => {
      child.stdout.on('data', take)
      child.stdout.on('end', () => take(undefined))
    },
    end: async () => {
      child.stdin.end()
      await ended
    },
  }
}

// Owns standard input and output as a pipe. Node's own `process.stdout` writes to pipes synchronously, so that two programs
// could wait for each other for good; here neither blocks. Knows nothing of what the bytes mean.
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { BytePipe } from 'nacre/sftp'
import { pipeOfStreams } from './pipes.ts'

/** The pipe of a program that serves whoever started it. */
export const standardPipe = (): BytePipe => {
  const [input, output] = [fstatSync(0), fstatSync(1)]
  // One socket for both is what OpenSSH and inetd give.
  if (input.isSocket() && input.ino === output.ino && input.dev === output.dev) {
    const socket = new Socket({ fd: 0, allowHalfOpen: true })
    return pipeOfStreams(socket, socket)
  }
  const flows = (stat: typeof input): boolean => stat.isFIFO() || stat.isSocket()
  return pipeOfStreams(
    flows(input) ? new Socket({ fd: 0, readable: true, writable: false }) : process.stdin,
    flows(output) ? new Socket({ fd: 1, readable: false, writable: true }) : process.stdout,
  )
}

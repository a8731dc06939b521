// Owns standard input and output as one stream both ways, for `sshd -i`: a socket of inetd, or two pipes of a proxy
// command. Knows nothing of SSH.
import { fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import { Duplex, type Readable, type Writable } from 'node:stream'

/** Node's own `process.stdout` writes to pipes synchronously: both sides could wait for each other for good. */
const flows = (descriptor: number): boolean => {
  const stat = fstatSync(descriptor)
  return stat.isFIFO() || stat.isSocket()
}

export const standardStreams = (): Duplex => {
  const [input, output] = [fstatSync(0), fstatSync(1)]
  if (input.isSocket() && input.ino === output.ino && input.dev === output.dev) return new Socket({ fd: 0 })
  const readable: Readable = flows(0) ? new Socket({ fd: 0, readable: true, writable: false }) : process.stdin
  const writable: Writable = flows(1) ? new Socket({ fd: 1, readable: false, writable: true }) : process.stdout
  // A pair of streams is documented, and missing from the types.
  return Duplex.from({ readable, writable } as unknown as Duplex)
}

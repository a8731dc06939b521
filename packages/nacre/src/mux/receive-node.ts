// Owns receiving descriptors over a Unix socket (recvmsg(2), SCM_RIGHTS), which Node's sockets cannot: by Node's own calls of foreign
// functions, where this Node has them. Knows nothing of what is said over the socket.
import { foreignFunctions } from '../io/foreign-node.ts'

/** What one call gave. */
export interface Received {
  /** Bytes that were read; 0 at the end, -1 when there are none yet. */
  readonly count: number
  /** A descriptor that came with them, ours from now on. */
  readonly descriptor: number | undefined
}

/** Reads up to `bytes.length` bytes, and one descriptor at most, without waiting. */
export type ReceiveDescriptor = (socket: number, bytes: Uint8Array) => Received

/** MSG_DONTWAIT and MSG_CMSG_CLOEXEC of Linux. */
const flags = 0x40 | 0x40000000
const solSocket = 1
const scmRights = 1
/** struct msghdr, struct iovec, and room for a struct cmsghdr with one descriptor, of 64-bit Linux. */
const sizes = { message: 56, vector: 16, control: 24 } as const
const lengthWithOne = 20

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

const make = (): ReceiveDescriptor | undefined => {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch) || !littleEndian) return undefined
  const foreign = foreignFunctions()
  if (foreign === undefined) return undefined
  let recvmsg: ((...values: readonly (number | bigint | Uint8Array)[]) => number | bigint) | undefined
  try {
    recvmsg = foreign.dlopen(null, { recvmsg: { arguments: ['int32', 'pointer', 'int32'], return: 'int64' } }).functions['recvmsg']
  } catch {
    return undefined
  }
  if (recvmsg === undefined) return undefined
  const call = recvmsg
  const [message, vector, control] = [new Uint8Array(sizes.message), new Uint8Array(sizes.vector), new Uint8Array(sizes.control)]
  const [messageView, vectorView, controlView] = [message, vector, control].map(each => new DataView(each.buffer))
  return (socket, bytes) => {
    control.fill(0)
    vectorView.setBigUint64(0, foreign.getRawPointer(bytes), true)
    vectorView.setBigUint64(8, BigInt(bytes.length), true)
    messageView.setBigUint64(16, foreign.getRawPointer(vector), true)
    messageView.setBigUint64(24, 1n, true)
    messageView.setBigUint64(32, foreign.getRawPointer(control), true)
    messageView.setBigUint64(40, BigInt(sizes.control), true)
    const count = Number(call(socket, foreign.getRawPointer(message), flags))
    const came =
      count > 0 &&
      messageView.getBigUint64(40, true) >= BigInt(lengthWithOne) &&
      controlView.getInt32(8, true) === solSocket &&
      controlView.getInt32(12, true) === scmRights
    return { count, descriptor: came ? controlView.getInt32(16, true) : undefined }
  }
}

let made: { readonly receive: ReceiveDescriptor | undefined } | undefined
/** `undefined` where this runtime cannot. */
export const descriptorReceiver = (): ReceiveDescriptor | undefined => (made ??= { receive: make() }).receive

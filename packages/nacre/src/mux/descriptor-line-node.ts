// Owns a client's socket of which descriptors may come: it is read here, byte for byte as messages need them, so that none of what comes
// with a byte is lost, and given back to Node for everything else. Knows nothing of what is said.
import { closeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { WireError } from '../errors.ts'
import { fromAcceptedSocket } from '../io/node-socket.ts'
import type { ByteTransport } from '../io/transport.ts'
import { readUint32 } from '../wire/uint32.ts'
import type { MuxLine } from './line.ts'
import { encodeMux, mostMuxBytes, type MuxMessage } from './messages.ts'
import type { ReceiveDescriptor } from './receive-node.ts'

/** How often it is looked whether something came, in milliseconds: at once, then less and less. */
const waits = [0, 0, 0, 1, 1, 1, 2, 2, 5, 5, 10, 10, 20] as const
const longestWait = 50

const numberOf = (socket: Socket): number | undefined => {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null }
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

/** A line over a socket that was accepted paused, and that Node has not begun to read. */
export class DescriptorLine implements MuxLine {
  readonly #socket: Socket
  readonly #receive: ReceiveDescriptor
  readonly #gone = Promise.withResolvers<void>()
  #closed = false
  #handedOver = false

  constructor(socket: Socket, receive: ReceiveDescriptor) {
    this.#socket = socket
    this.#receive = receive
    socket.on('close', () => {
      this.#closed = true
      this.#gone.resolve()
    })
  }

  get ended(): Promise<void> {
    return this.#gone.promise
  }

  async read(): Promise<Uint8Array | undefined> {
    const header = await this.#exactly(4, true)
    if (header === undefined) return undefined
    const length = readUint32(header, 0)
    if (length < 4 || length > mostMuxBytes) throw new WireError(`a message of ${length} bytes; 4 to ${mostMuxBytes} are allowed`)
    return await this.#exactly(length, false)
  }

  /** `count` descriptors, each with a byte of its own. Those that came are closed when not all do. Rejects with `WireError`. */
  async descriptors(count: number): Promise<readonly number[]> {
    const came: number[] = []
    try {
      while (came.length < count) {
        const { descriptor } = await this.#some(new Uint8Array(1))
        if (descriptor === undefined) throw new WireError('a byte without a descriptor')
        came.push(descriptor)
      }
      return came
    } catch (error) {
      for (const each of came) closeSync(each)
      throw error
    }
  }

  /** Nothing more is expected but the end: Node watches for that. */
  watchForEnd(): void {
    this.#socket.on('data', () => {})
    this.#socket.resume()
    this.#socket.on('end', () => this.#gone.resolve())
  }

  async #exactly(count: number, mayEnd: boolean): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(count)
    let have = 0
    while (have < count) {
      const { count: read, descriptor } = await this.#some(bytes.subarray(have))
      // Nobody asked for it here.
      if (descriptor !== undefined) closeSync(descriptor)
      if (read === 0) {
        if (mayEnd && have === 0) return undefined
        throw new WireError('the stream ends within a message')
      }
      have += read
    }
    return bytes
  }

  async #some(bytes: Uint8Array): Promise<{ readonly count: number; readonly descriptor: number | undefined }> {
    for (let tries = 0; ; tries++) {
      const socket = numberOf(this.#socket)
      if (this.#closed || socket === undefined) return { count: 0, descriptor: undefined }
      const received = this.#receive(socket, bytes)
      if (received.count === 0) this.#gone.resolve()
      if (received.count >= 0) return received
      await new Promise<void>(resolve => setTimeout(resolve, waits[tries] ?? longestWait))
    }
  }

  write<T>(message: MuxMessage<T>, value: T): void {
    if (!this.#closed) this.#socket.write(encodeMux(message, value))
  }

  handOver(): ByteTransport {
    this.#handedOver = true
    return fromAcceptedSocket(this.#socket)
  }

  close(): void {
    if (!this.#handedOver) this.#socket.destroySoon()
  }
}

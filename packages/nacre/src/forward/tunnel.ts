// Owns a tunnel: packets between a network device and a channel, one in each message (OpenSSH's PROTOCOL, 2.3). What finds no room
// is dropped, as devices do; nothing is queued. Knows no systems: a device is given to it.
import type { ChannelRequestQuestion } from '../connection/events.ts'
import type { ChannelPort, PortHandler } from '../io/channel-port.ts'

/** `point-to-point` carries packets of IPv4 and IPv6, `ethernet` whole frames. */
export type TunnelMode = 'point-to-point' | 'ethernet'

/** On the wire. */
export const tunnelModes = { 'point-to-point': 1, ethernet: 2 } as const satisfies Record<TunnelMode, number>

/** The mode of a number; `undefined` for one nobody knows. */
export const tunnelModeOf = (mode: number): TunnelMode | undefined =>
  mode === tunnelModes['point-to-point'] ? 'point-to-point' : mode === tunnelModes.ethernet ? 'ethernet' : undefined

/** What a device tells. */
export interface TunnelTaker {
  /** A packet or frame that came out of the device, alone and whole. It is not looked at after this returns. */
  packet(bytes: Uint8Array): void
  /** Nothing more comes, and nothing goes in. Called at most once. */
  ended(error?: Error): void
}

/** One end of a tunnel: packets come out of it and go into it. The system's is `openTunnelDevice`; programs may have their own. */
export interface TunnelDevice {
  /** `tun0` */
  readonly name: string
  /** Hands every packet to `taker` from now on. Called once. */
  start(taker: TunnelTaker): void
  /** Puts a packet in, now. False when it was dropped. The bytes may change afterwards. */
  write(packet: Uint8Array): boolean
  /** Keeps packets to itself, or drops them, until `resume`. */
  pause(): void
  resume(): void
  close(): void
}

export interface TunnelCounts {
  /** Packets to the peer. */
  readonly sent: number
  /** Packets from the peer that the device took. */
  readonly received: number
  /** Packets of either direction that found no room, or were none. */
  readonly dropped: number
}

/** No packet of IP is longer; no frame we know is. */
const longest = 65_535 + 18
const familyBytes = 4
/** The numbers of OpenBSD, whatever the system's own are. */
const families = { 4: 2, 6: 24 } as const

/** The address family of a packet by its first byte; `undefined` for what is no packet of IP. */
const familyOf = (first: number): number | undefined => (first >> 4 === 4 ? families[4] : first >> 4 === 6 ? families[6] : undefined)

/** All tunnels write their packets here before each is sent, which is at once. */
const scratch = new Uint8Array(familyBytes + longest)

/** What a message of layer 3 has for a packet; `undefined` for what is no packet. Valid until the next call. */
export const framePacket = (packet: Uint8Array): Uint8Array | undefined => {
  const family = packet.length === 0 || packet.length > longest ? undefined : familyOf(packet[0])
  if (family === undefined) return undefined
  scratch[3] = family
  scratch.set(packet, familyBytes)
  return scratch.subarray(0, familyBytes + packet.length)
}

/** The packet in a message of layer 3; `undefined` when there is none, or another than it says. */
export const packetIn = (message: Uint8Array): Uint8Array | undefined => {
  if (message.length <= familyBytes || message[0] !== 0 || message[1] !== 0 || message[2] !== 0) return undefined
  return familyOf(message[familyBytes]) === message[3] ? message.subarray(familyBytes) : undefined
}

const frameHeaderBytes = 14
/** A frame as it is, both ways; `undefined` for what is too short or too long to be one. */
const frameIn = (bytes: Uint8Array): Uint8Array | undefined =>
  bytes.length < frameHeaderBytes || bytes.length > longest ? undefined : bytes

/** What passes between the two. */
class Joint implements PortHandler, TunnelTaker {
  readonly #port: ChannelPort
  readonly #device: TunnelDevice
  readonly #outward: (bytes: Uint8Array) => Uint8Array | undefined
  readonly #inward: (bytes: Uint8Array) => Uint8Array | undefined
  readonly #resume = (): void => {
    if (!this.#over) this.#device.resume()
  }
  readonly gone = Promise.withResolvers<Error | undefined>()
  #over = false
  #fault: Error | undefined
  sent = 0
  received = 0
  dropped = 0

  constructor(port: ChannelPort, device: TunnelDevice, mode: TunnelMode) {
    this.#port = port
    this.#device = device
    this.#outward = mode === 'ethernet' ? frameIn : framePacket
    this.#inward = mode === 'ethernet' ? frameIn : packetIn
  }

  start(): void {
    this.#port.handle(this)
    if (!this.#over) this.#device.start(this)
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#device.close()
    this.#port.abort()
  }

  packet(bytes: Uint8Array): void {
    if (this.#over) return
    const message = this.#outward(bytes)
    const outcome = message === undefined ? 'dropped' : this.#port.writeWhole(message, this.#resume)
    if (outcome === 'sent') {
      this.sent++
      return
    }
    this.dropped++
    if (outcome === 'full') this.#device.pause()
  }

  ended(error?: Error): void {
    this.#fault ??= error
    this.end()
  }

  data(bytes: Uint8Array, type: number): void {
    // Anything but the one stream is nobody's.
    const packet = this.#over || type !== 0 ? undefined : this.#inward(bytes)
    if (packet !== undefined && this.#device.write(packet)) this.received++
    else this.dropped++
    this.#port.consume(bytes.length)
  }

  eof(): void {
    this.end()
  }

  request(question: ChannelRequestQuestion): void {
    question.fail()
  }

  closed(error: Error | undefined): void {
    this.end()
    this.gone.resolve(this.#fault ?? error)
  }
}

/** A device and a channel joined. It ends with either. */
export class Tunnel implements AsyncDisposable {
  readonly #joint: Joint
  /** Of the device at this end: `tun0`. */
  readonly name: string
  readonly mode: TunnelMode

  /** The device is the tunnel's from now on, and closed with it. */
  constructor(port: ChannelPort, device: TunnelDevice, mode: TunnelMode) {
    this.name = device.name
    this.mode = mode
    this.#joint = new Joint(port, device, mode)
    this.#joint.start()
  }

  get counts(): TunnelCounts {
    const { sent, received, dropped } = this.#joint
    return { sent, received, dropped }
  }

  /** Resolves when it is over, with what ended the connection or the device if that is why; never rejects. */
  get closed(): Promise<Error | undefined> {
    return this.#joint.gone.promise
  }

  close(): void {
    this.#joint.end()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }
}

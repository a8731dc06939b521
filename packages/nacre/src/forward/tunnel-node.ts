// Owns network devices of Linux (tun(4): /dev/net/tun) as ends of tunnels. Making one takes a system call that Node lacks: the addon
// `@nacre/native` has it, and Node's own calls of foreign functions do. Knows nothing of channels, or of addresses and routes.
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs'
import { Socket, type SocketConstructorOpts } from 'node:net'
import { nativeTunnelInterface } from '../crypto/node/native.ts'
import { escapeForPeople, ForwardError } from '../errors.ts'
import { type Foreign, foreignFunctions } from '../io/foreign-node.ts'
import type { TunnelDevice, TunnelMode, TunnelTaker } from './tunnel.ts'

export interface TunnelDeviceOptions {
  /** Default `point-to-point`: a tun device; `ethernet` is a tap device. */
  readonly mode?: TunnelMode
  /** 3 is `tun3`. Default: the first that is free. */
  readonly unit?: number | undefined
}

const controlPath = '/dev/net/tun'

/** Makes a descriptor of the control device an interface: its name, or the system's number for why not. */
type MakeInterface = (descriptor: number, ethernet: boolean, name: string) => string | number | undefined

// ── Node's foreign functions ──────────────────────────────────────────────────────────────────────────────────────────

/** _IOW('T', 202, int) of linux/if_tun.h; those systems that count otherwise are none Node runs on. */
const setInterface = 0x400454can
const flags = { tun: 0x0001, tap: 0x0002, noInformation: 0x1000 }
const requestBytes = 40
const nameBytes = 16

const foreignInterface = (): MakeInterface | undefined => {
  const ffi = foreignFunctions()
  if (ffi === undefined) return undefined
  let functions: ReturnType<Foreign['dlopen']>['functions']
  try {
    const library = ffi.dlopen(null, {
      ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'pointer'] },
      __errno_location: { return: 'pointer', arguments: [] },
    })
    functions = library.functions
  } catch {
    return undefined
  }
  return (descriptor, ethernet, name) => {
    // struct ifreq: the name, and flags behind it.
    const request = new Uint8Array(requestBytes)
    request.set(new TextEncoder().encode(name).subarray(0, nameBytes - 1))
    const words = new Uint16Array(request.buffer, nameBytes, 1)
    words[0] = flags.noInformation | (ethernet ? flags.tap : flags.tun)
    if (functions.ioctl(descriptor, setInterface, request) !== 0) return ffi.getInt32(functions.__errno_location())
    return new TextDecoder().decode(request.subarray(0, request.indexOf(0)))
  }
}

// ── the device ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Node's streams over a descriptor of any kind that can be waited for. Its types do not know it. */
interface PipeHandle {
  open(descriptor: number): number
}
interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle
  readonly constants: { readonly SOCKET: number }
}

const pipes = (): PipeBinding | undefined => {
  const { binding } = process as unknown as { readonly binding?: (name: string) => PipeBinding }
  try {
    return binding?.('pipe_wrap')
  } catch {
    return undefined
  }
}

class SystemDevice implements TunnelDevice {
  readonly name: string
  readonly #descriptor: number
  readonly #socket: Socket
  #open = true

  constructor(name: string, descriptor: number, socket: Socket) {
    this.name = name
    this.#descriptor = descriptor
    this.#socket = socket
    // Nobody listens yet; what fails now is found when it is started.
    socket.on('error', () => {})
    socket.pause()
  }

  start(taker: TunnelTaker): void {
    const over = (error?: Error): void => {
      if (!this.#open) return
      this.close()
      taker.ended(error)
    }
    // One read is one packet: the system gives no more at once.
    this.#socket.on('data', (packet: Uint8Array) => taker.packet(packet))
    this.#socket.on('error', error => over(new ForwardError('FORWARD_TUNNEL', `The device ${this.name} failed: ${error.message}.`)))
    this.#socket.on('close', () => over())
    this.#socket.resume()
  }

  write(packet: Uint8Array): boolean {
    if (!this.#open) return false
    try {
      // At once, or not at all: a stream would make one of two packets.
      writeSync(this.#descriptor, packet)
      return true
    } catch {
      // It is down, or full, or wants no such packet.
      return false
    }
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    if (this.#open) this.#socket.resume()
  }

  close(): void {
    this.#open = false
    this.#socket.destroy()
  }
}

const refused = (message: string, cause?: unknown): ForwardError => new ForwardError('FORWARD_TUNNEL', message, { cause })

/** Numbers of errno(3) on Linux. */
const reasons: Readonly<Record<number, string>> = {
  1: 'only root may make one (CAP_NET_ADMIN), unless it was made for this user before: ip tuntap add dev … mode … user …',
  16: 'somebody else uses it',
  22: 'there is one of that name, of another kind',
}

const openControl = (): number => {
  if (process.platform !== 'linux') throw refused('This system has no tunnel devices that can be used; Linux has.')
  try {
    return openSync(controlPath, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (cause) {
    const words = existsSync(controlPath)
      ? `${controlPath} cannot be opened: ${(cause as Error).message}.`
      : `There is no ${controlPath}: the module "tun" of the kernel is missing (modprobe tun), or this container was not given the device.`
    throw refused(words, cause)
  }
}

const make = (descriptor: number, ethernet: boolean, name: string): string => {
  const by: MakeInterface | undefined = nativeTunnelInterface() ?? foreignInterface()
  if (by === undefined)
    throw refused(
      'Tunnel devices need a system call that this runtime lacks: install @nacre/native and build it, or use a Node that has node:ffi (from 26 on).',
    )
  const made = by(descriptor, ethernet, name)
  if (typeof made === 'string') return made
  const why = made === undefined ? 'this system has none' : (reasons[made] ?? `the system refuses with error ${made}`)
  throw refused(`The tunnel device "${escapeForPeople(name)}" cannot be had: ${why}.`)
}

/**
 * A network device of this machine: made, and gone when it is closed, unless it was there before. It has no address and is down:
 * that is for ip(8), as root. Throws `ForwardError` FORWARD_TUNNEL, which says what would help: Linux, a right, an addon.
 */
export const openTunnelDevice = ({ mode = 'point-to-point', unit }: TunnelDeviceOptions = {}): TunnelDevice => {
  const ethernet = mode === 'ethernet'
  const binding = pipes()
  const descriptor = openControl()
  try {
    if (binding === undefined) throw refused('Tunnel devices need Node: this runtime cannot wait for one.')
    const name = make(descriptor, ethernet, `${ethernet ? 'tap' : 'tun'}${unit ?? '%d'}`)
    const handle = new binding.Pipe(binding.constants.SOCKET)
    const fault = handle.open(descriptor)
    if (fault !== 0) throw refused(`The device ${name} cannot be read: error ${fault}.`)
    // The types know handles of one kind alone.
    const options = { handle, readable: true, writable: false } as unknown as SocketConstructorOpts
    return new SystemDevice(name, descriptor, new Socket(options))
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

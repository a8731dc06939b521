// Owns the floor of a keystroke: sockets of Node at both ends that echo as many bytes as an encrypted keystroke has, without
// cryptography or with what node:crypto takes to seal and open each. No SSH. Knows nothing of who measures.
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { connected, listening } from './bare-sockets.ts'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import type { BareKeystrokeOptions, Repeated, TurnsArgs } from './types.ts'

const { seals } = JSON.parse(process.argv[2] ?? '{}') as BareKeystrokeOptions

/** One byte in CHANNEL_DATA: length, one block, tag. */
const tagBytes = 16
const bodyAt = 4
const packetBytes = bodyAt + 16 + tagBytes

/** What is done to a packet on its way; both overwrite it. */
interface Guard {
  seal(packet: Uint8Array): void
  open(packet: Uint8Array): void
}

const none: Guard = { seal: () => {}, open: () => {} }

/** As node:crypto offers AES-GCM: a cipher for each packet. The nonce stays: nothing here is secret. */
const gcm = (): Guard => {
  const key = createSecretKey(new Uint8Array(16))
  const nonce = new Uint8Array(12)
  return {
    seal(packet) {
      const cipher = createCipheriv('aes-128-gcm', key, nonce)
      cipher.setAAD(packet.subarray(0, bodyAt))
      packet.set(cipher.update(packet.subarray(bodyAt, packetBytes - tagBytes)), bodyAt)
      cipher.final()
      packet.set(cipher.getAuthTag(), packetBytes - tagBytes)
    },
    open(packet) {
      const decipher = createDecipheriv('aes-128-gcm', key, nonce)
      decipher.setAuthTag(packet.subarray(packetBytes - tagBytes))
      decipher.setAAD(packet.subarray(0, bodyAt))
      packet.set(decipher.update(packet.subarray(bodyAt, packetBytes - tagBytes)), bodyAt)
      decipher.final()
    },
  }
}

const packetsAhead = 8

/** Only AES, with a cipher that stays and for some packets at a time, which is the least one can ask of node:crypto. */
const blocks = (): Guard => {
  const aes = (): (() => void) => {
    const running = createCipheriv('aes-128-ecb', new Uint8Array(16), null).setAutoPadding(false)
    const counters = new Uint8Array(packetsAhead * 64)
    let packets = 0
    return () => {
      if (packets++ % packetsAhead === 0) running.update(counters)
    }
  }
  return { seal: aes(), open: aes() }
}

const guards: Readonly<Record<BareKeystrokeOptions['seals'], () => Guard>> = { nothing: () => none, gcm, blocks }

serveCalls({
  listen: () =>
    listening(socket => {
      const guard = guards[seals]()
      // A socket holds what it writes until it is written, which is at once while there is room.
      const answer = new Uint8Array(packetBytes)
      return bytes => {
        guard.open(bytes)
        guard.seal(answer)
        socket.write(answer)
      }
    }),

  async keystrokes({ port, count }: TurnsArgs): Promise<Repeated> {
    const guard = guards[seals]()
    const packet = new Uint8Array(packetBytes)
    const walls: number[] = []
    let started = 0
    let came: () => void = () => {}
    const socket = await connected(port, bytes => {
      guard.open(bytes)
      came()
    })
    const all = meter()
    await new Promise<void>(resolve => {
      const press = (): void => {
        started = performance.now()
        guard.seal(packet)
        socket.write(packet)
      }
      came = () => {
        walls.push((performance.now() - started) / 1000)
        if (walls.length === count) resolve()
        else press()
      }
      press()
    })
    const { cpu } = all()
    socket.destroy()
    return { cpu, walls }
  },
})

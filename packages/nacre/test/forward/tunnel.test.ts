// Tunnels: what their messages hold, what hostile ones do, who may have one, and that packets without room are dropped and counted, not
// kept. Client and server in memory, with a device each.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { tun } from '../../src/connection/channel-types/tun.ts'
import { ChannelOpenError, ConfigError, ForwardError } from '../../src/errors.ts'
import { framePacket, packetIn, type Tunnel, type TunnelDevice, type TunnelMode, type TunnelTaker } from '../../src/forward/tunnel.ts'
import type { ChannelPort } from '../../src/io/channel-port.ts'
import type { TunnelOutcome, TunnelRequest, TunnelRules } from '../../src/server/tunnels.ts'
import { type Joined, joined, type JoinOptions, quiet } from '../io/fixtures.ts'

/** A device in memory. `full` takes nothing more. */
class MemoryDevice implements TunnelDevice {
  readonly name: string
  readonly taken: Uint8Array[] = []
  taker: TunnelTaker | undefined
  full = false
  paused = 0
  resumed = 0
  closed = 0

  constructor(name: string) {
    this.name = name
  }
  start(taker: TunnelTaker): void {
    this.taker = taker
  }
  write(packet: Uint8Array): boolean {
    if (!this.full) this.taken.push(packet.slice())
    return !this.full
  }
  pause(): void {
    this.paused++
  }
  resume(): void {
    this.resumed++
  }
  close(): void {
    this.closed++
  }
}

const packet4 = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill).fill(0x45, 0, 1)
const packet6 = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill).fill(0x60, 0, 1)

interface World extends Joined {
  readonly here: MemoryDevice
  readonly there: MemoryDevice
  readonly asked: readonly TunnelRequest[]
  readonly outcomes: readonly TunnelOutcome[]
  open(options?: { readonly mode?: TunnelMode; readonly unit?: number }): Promise<Tunnel>
  /** The same without anything of ours at the client. */
  raw(tunnelMode: number, remoteUnit: number): Promise<ChannelPort>
}

const world = async (rules: Partial<TunnelRules<{ readonly name: string }>> | false = {}, options: JoinOptions = {}): Promise<World> => {
  const here = new MemoryDevice('tun0')
  const there = new MemoryDevice('tun9')
  const asked: TunnelRequest[] = []
  const outcomes: TunnelOutcome[] = []
  const tunnels: TunnelRules<{ readonly name: string }> = {
    permit: request => {
      asked.push(request)
      return true
    },
    open: () => there,
    onOutcome: (_, outcome) => outcomes.push(outcome),
    ...(rules === false ? {} : rules),
  }
  const at = await joined({}, { ...options, server: { ...(rules === false ? {} : { tunnels }), ...options.server } })
  return {
    ...at,
    here,
    there,
    asked,
    outcomes,
    open: given => at.client.tunnel({ ...given, device: here }),
    raw: (tunnelMode, remoteUnit) => at.client.open(tun, { tunnelMode, remoteUnit }),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  }
}

const deaf = { data: () => {}, eof: () => {}, request: () => {}, closed: () => {} }
const opened = ({ outcomes: [first] }: World): Tunnel => {
  assert.ok(first?.is === 'open')
  return first.tunnel
}

describe('a packet of layer 3', () => {
  it('has its address family in front, by the numbers of OpenBSD', () => {
    assert.deepEqual([...(framePacket(packet4(21, 7)) ?? [])].slice(0, 6), [0, 0, 0, 2, 0x45, 7])
    assert.deepEqual([...(framePacket(packet6(41, 7)) ?? [])].slice(0, 6), [0, 0, 0, 24, 0x60, 7])
  })
  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.constantFrom(packet4, packet6), fc.integer({ min: 1, max: 65_535 }), (make, length) => {
        const packet = make(length)
        const message = framePacket(packet)
        assert.ok(message !== undefined)
        assert.deepEqual(packetIn(message.slice()), packet)
      }),
      { numRuns: 30 },
    )
  })
  it('is nothing else: neither empty, nor too long, nor of another version', () => {
    for (const bytes of [new Uint8Array(0), packet4(70_000), Uint8Array.of(0), Uint8Array.of(0x55, 1, 2)])
      assert.equal(framePacket(bytes), undefined)
  })
  it('is not taken out of a message that is too short, or says another family', () => {
    for (const message of [
      [],
      [0],
      [0, 0, 0],
      [0, 0, 0, 2],
      [0, 0, 0, 24, 0x45],
      [0, 0, 0, 2, 0x60],
      [0, 0, 0, 10, 0x60],
      [1, 0, 0, 2, 0x45],
    ])
      assert.equal(packetIn(Uint8Array.from(message)), undefined, String(message))
  })
  it('any bytes are a packet or nothing, and never an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        const packet = packetIn(bytes)
        assert.ok(packet === undefined || packet.length === bytes.length - 4)
      }),
    )
  })
})

describe('a tunnel', () => {
  it('carries packets both ways, each alone', async () => {
    await using at = await world()
    const tunnel = await at.open({ unit: 4 })
    assert.deepEqual(at.asked, [{ mode: 'point-to-point', unit: 4 }])
    assert.deepEqual([tunnel.name, opened(at).name], ['tun0', 'tun9'])
    for (const packet of [packet4(20), packet6(1400, 3), packet4(60, 5)]) at.here.taker?.packet(packet)
    at.there.taker?.packet(packet6(48))
    await quiet()
    assert.deepEqual(at.there.taken, [packet4(20), packet6(1400, 3), packet4(60, 5)])
    assert.deepEqual(at.here.taken, [packet6(48)])
    assert.deepEqual(tunnel.counts, { sent: 3, received: 1, dropped: 0 })
    assert.deepEqual(opened(at).counts, { sent: 1, received: 3, dropped: 0 })
  })
  it('carries frames as they are', async () => {
    await using at = await world()
    await at.open({ mode: 'ethernet' })
    const frame = Uint8Array.from({ length: 60 }, (_, index) => index)
    at.here.taker?.packet(frame)
    at.here.taker?.packet(frame.subarray(0, 13))
    await quiet()
    assert.deepEqual(at.asked, [{ mode: 'ethernet', unit: undefined }])
    assert.deepEqual(at.there.taken, [frame], 'what is shorter than the header of a frame is none')
  })
  it('hands on what the server sends right behind its answer', async () => {
    await using at = await world({
      open: () => {
        const device = new MemoryDevice('tun9')
        device.start = taker => taker.packet(packet4(30))
        return device
      },
    })
    await at.open()
    await quiet()
    assert.deepEqual(at.here.taken, [packet4(30)])
  })
  it('drops what is no packet, from the device or the peer, and goes on', async () => {
    await using at = await world()
    const port = await at.raw(1, 0x7fffffff)
    port.handle(deaf)
    for (const message of [[], [0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 2, 0x60, 1], [9, 9, 9, 9, 9]]) void port.write(Uint8Array.from(message))
    void port.write(Uint8Array.of(0, 0, 0, 2, 0x45), 1)
    void port.write(Uint8Array.of(0, 0, 0, 2, 0x45, 1))
    await quiet()
    assert.deepEqual(at.there.taken, [Uint8Array.of(0x45, 1)])
    // The empty message is none to begin with.
    assert.deepEqual(opened(at).counts, { sent: 0, received: 1, dropped: 5 })
    at.there.taker?.packet(Uint8Array.of(0x10))
    assert.equal(opened(at).counts.dropped, 6)
  })
  it('counts what a full device does not take', async () => {
    await using at = await world()
    await at.open()
    at.there.full = true
    at.here.taker?.packet(packet4(20))
    await quiet()
    assert.deepEqual(opened(at).counts, { sent: 0, received: 0, dropped: 1 })
  })
  it('drops without room, has the device wait, and goes on once there is some', async () => {
    const packet = packet4(16_000)
    await using at = await world({}, { client: { limits: { initialWindow: 10 * (packet.length + 4) } } })
    const port = await at.raw(1, 3)
    let held = 0
    port.handle({ ...deaf, data: bytes => void (held += bytes.length) })
    const fill = async (each: Uint8Array): Promise<void> => {
      // The line is full at times, and has the device wait; then the peer's window is.
      for (let before = -1; before < at.there.paused && at.there.resumed === at.there.paused; await quiet()) {
        before = at.there.paused
        for (let count = 0; count < 5000 && at.there.paused === before; count++) at.there.taker?.packet(each)
      }
    }
    await fill(packet)
    assert.ok(at.there.resumed < at.there.paused, 'the device waits')
    const { sent, dropped } = opened(at).counts
    assert.ok(dropped >= at.there.paused, 'what found no room is gone')
    assert.deepEqual([sent, held], [10, 10 * (packet.length + 4)], 'each was sent whole, or not at all')
    port.consume(held)
    await quiet()
    assert.equal(at.there.resumed, at.there.paused, 'room makes the device go on')
    at.there.taker?.packet(packet)
    assert.equal(opened(at).counts.sent, sent + 1)
  })
  it('never cuts a packet the peer cannot take', async () => {
    await using at = await world({}, { client: { limits: { maximumPacket: 1000 } } })
    const tunnel = await at.open()
    at.there.taker?.packet(packet4(2000))
    at.there.taker?.packet(packet4(900))
    await quiet()
    assert.deepEqual(at.here.taken, [packet4(900)])
    assert.deepEqual([opened(at).counts.dropped, at.there.paused], [1, 0])
    assert.equal(tunnel.counts.received, 1)
  })
  it('ends with its device, its channel or its connection, and closes what is left', async () => {
    for (const end of ['device', 'tunnel', 'connection', 'there'] as const) {
      await using at = await world()
      const tunnel = await at.open()
      if (end === 'device') at.here.taker?.ended(new ForwardError('FORWARD_TUNNEL', 'unplugged'))
      else if (end === 'tunnel') tunnel.close()
      else if (end === 'connection') await at.client.close()
      else opened(at).close()
      const [here] = await Promise.all([tunnel.closed, opened(at).closed])
      if (end === 'device') assert.match(here?.message ?? '', /unplugged/)
      assert.deepEqual([at.here.closed, at.there.closed], [1, 1], end)
      at.here.taker?.packet(packet4(20))
      assert.equal(tunnel.counts.sent, 0)
    }
  })
})

describe('who may have one', () => {
  it('nobody, unless the server says', async () => {
    await using at = await world(false)
    await assert.rejects(at.open(), (error: unknown) => error instanceof ForwardError && error.code === 'FORWARD_TUNNEL')
    assert.equal(at.here.closed, 1, 'the device goes with what did not come to be')
  })
  it('whoever is permitted; a text is told', async () => {
    await using at = await world({ permit: ({ unit }) => unit === 1 || 'only the first' })
    await at.open({ unit: 1 })
    await assert.rejects(at.open({ unit: 2 }), /no tunnel: only the first\. .*PermitTunnel/)
    assert.deepEqual(
      at.outcomes.map(({ is }) => is),
      ['open', 'denied'],
    )
  })
  it('nobody without a device; what is wrong with ours is not told', async () => {
    let fault: Error = new ForwardError('FORWARD_TUNNEL', 'There is no /dev/net/tun.')
    await using at = await world({
      open: () => {
        throw fault
      },
    })
    await assert.rejects(at.open(), /There is no \/dev\/net\/tun/)
    fault = new TypeError('a secret')
    await assert.rejects(at.open(), /internal error/)
    assert.deepEqual(at.errors, [fault])
  })
  it('only so many at once', async () => {
    await using at = await world({ maximum: 1, open: () => new MemoryDevice('tun9') })
    const first = await at.open()
    await assert.rejects(at.open(), /at most 1 tunnels at once/)
    first.close()
    await first.closed
    await quiet()
    await at.open()
  })
  it('for a kind and a device there are', async () => {
    await using at = await world()
    for (const [mode, unit] of [
      [0, 1],
      [3, 1],
      [0xffffffff, 1],
      [1, 0x7ffffffe],
      [1, 0x80000000],
      [1, 0xffffffff],
    ])
      await assert.rejects(at.raw(mode, unit), ChannelOpenError)
    assert.deepEqual([at.asked.length, at.errors.length], [0, 0])
    await assert.rejects(at.open({ unit: -1 }), ConfigError)
    await assert.rejects(at.open({ unit: 0x7fffffff }), ConfigError)
    await assert.rejects(world({ maximum: 0.5 }), ConfigError)
  })
})

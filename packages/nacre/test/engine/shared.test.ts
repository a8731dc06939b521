// Owns the specification of the engine of a shared connection: plain packets both ways, within bounds, and manners with masters of
// OpenSSH, which answer no global request and die of channels that were refused.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import { keepalive } from '../../src/connection/global-requests/keepalive.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { defaultLimits } from '../../src/connection/limits.ts'
import { ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, GlobalRequest } from '../../src/connection/messages.ts'
import { connectionRows } from '../../src/connection/rows.ts'
import { PlainReader, PlainWriter } from '../../src/engine/plain-packets.ts'
import { SharedEngine } from '../../src/engine/shared.ts'
import { ProtocolError } from '../../src/errors.ts'
import { decodeMessage } from '../../src/wire/message.ts'

const engineOf = (requests: 'all' | 'openssh', highWater = 1024 * 1024): SharedEngine =>
  new SharedEngine({ connection: { role: 'client', limits: defaultLimits, rows: connectionRows() }, highWater, requests })

const payloadsOf = (engine: SharedEngine): readonly Uint8Array[] => {
  const reader = new PlainReader()
  const found: Uint8Array[] = []
  for (let buffer = engine.takeOutgoing(); buffer !== undefined; buffer = engine.takeOutgoing()) {
    reader.add(buffer)
    engine.release(buffer)
  }
  for (let payload = reader.next(); payload !== undefined; payload = reader.next()) found.push(payload.slice())
  return found
}
const eventsOf = (engine: SharedEngine): readonly string[] => {
  const found: string[] = []
  for (let event = engine.nextEvent(); event !== undefined; event = engine.nextEvent()) found.push(event.is)
  return found
}
const packet = (write: (writer: PlainWriter) => void): Uint8Array => {
  const writer = new PlainWriter()
  write(writer)
  return writer.take() ?? assert.fail('nothing was written')
}
const confirmation = packet(writer =>
  writer.message(ChannelOpenConfirmation, {
    ...{ recipientChannel: 0, senderChannel: 5, initialWindowSize: 1 << 20, maximumPacketSize: 1 << 15, details: new Uint8Array(0) },
  }),
)

describe('plain packets', () => {
  it('have a length, no padding, and the payload', () => {
    assert.deepEqual(
      packet(writer => writer.data(5, 0, Uint8Array.of(7))),
      Uint8Array.of(0, 0, 0, 11, 0, 94, 0, 0, 0, 5, 0, 0, 0, 1, 7),
    )
  })
  it('come whole from pieces of any size, one after the other', () => {
    const all = packet(writer => {
      for (let i = 0; i < 300; i++) writer.data(i, i % 2, new Uint8Array(i))
    })
    for (const size of [1, 7, 4096, all.length]) {
      const reader = new PlainReader()
      let count = 0
      for (let at = 0; at < all.length; at += size) {
        reader.add(all.subarray(at, at + size))
        for (let payload = reader.next(); payload !== undefined; payload = reader.next()) assert.equal(payload[4], count++ & 0xff)
      }
      assert.equal(count, 300)
    }
  })
  it('drop padding that somebody adds, and refuse what cannot be', () => {
    const reader = new PlainReader()
    reader.add(Uint8Array.of(0, 0, 0, 4, 2, 82, 0, 0))
    assert.deepEqual(reader.next(), Uint8Array.of(82))
    for (const wrong of [
      [0, 0, 0, 1, 0],
      [0, 0, 0, 0],
      [0, 4, 0, 1],
      [0, 0, 0, 2, 1, 82],
    ])
      assert.throws(() => {
        const other = new PlainReader()
        other.add(Uint8Array.from(wrong))
        other.next()
      }, ProtocolError)
  })
})

describe('the engine of a shared connection', () => {
  it('opens channels and carries data without any exchange before', () => {
    const engine = engineOf('all')
    const channel = engine.connection.open(session, {})
    assert.equal(payloadsOf(engine).length, 1)
    engine.receive(confirmation)
    assert.deepEqual(eventsOf(engine), ['opened'])
    assert.equal(channel.write(Uint8Array.of(1, 2, 3)), 3)
    assert.deepEqual(decodeMessage(ChannelData, payloadsOf(engine)[0]), { recipientChannel: 5, data: Uint8Array.of(1, 2, 3) })
  })
  it('sends no data above the high water, and goes on below it', () => {
    const engine = engineOf('all', 64 * 1024)
    const channel = engine.connection.open(session, {})
    payloadsOf(engine)
    engine.receive(confirmation)
    eventsOf(engine)
    const taken = channel.write(new Uint8Array(512 * 1024))
    assert.ok(taken >= 64 * 1024 && taken <= 96 * 1024, `${taken}`)
    payloadsOf(engine)
    assert.deepEqual(eventsOf(engine), ['writable'])
  })
  it('ends at a message of another layer, and says nothing to the master', () => {
    const engine = engineOf('all')
    engine.receive(Uint8Array.of(0, 0, 0, 2, 0, 21))
    assert.deepEqual(eventsOf(engine), ['ended'])
    assert.equal(engine.takeOutgoing(), undefined)
  })
  it('says no goodbye, which a master of OpenSSH would pass on to the server', () => {
    const engine = engineOf('openssh')
    engine.disconnect('by-application', 'bye')
    assert.deepEqual(eventsOf(engine), ['ended'])
    assert.equal(engine.takeOutgoing(), undefined)
  })
})

describe("with a master of OpenSSH's", () => {
  it('a named port is asked for without an answer, and taken to be granted', () => {
    const engine = engineOf('openssh')
    const answers: boolean[] = []
    engine.connection.globalRequest(tcpipForward, { addressToBind: 'localhost', portNumberToBind: 8001 }, ok => answers.push(ok))
    const [payload] = payloadsOf(engine)
    assert.equal(decodeMessage(GlobalRequest, payload).wantReply, false)
    eventsOf(engine)
    assert.deepEqual(answers, [true])
  })
  it('what it would cut us off for is not sent, and fails', () => {
    const engine = engineOf('openssh')
    const answers: boolean[] = []
    engine.connection.globalRequest(tcpipForward, { addressToBind: '', portNumberToBind: 0 }, ok => answers.push(ok))
    engine.connection.globalRequest(keepalive, {}, ok => answers.push(ok))
    engine.connection.globalRequest(keepalive, {})
    assert.deepEqual(payloadsOf(engine), [])
    eventsOf(engine)
    assert.deepEqual(answers, [false, false])
  })
  it('a sign of life is a session that is opened and closed, of which nobody else hears', () => {
    const engine = engineOf('openssh')
    engine.ping()
    assert.equal(payloadsOf(engine)[0][0], 90)
    engine.receive(confirmation)
    assert.deepEqual(eventsOf(engine), ['pong'])
    assert.equal(payloadsOf(engine)[0][0], 97)
    engine.receive(Uint8Array.of(0, 0, 0, 6, 0, 97, 0, 0, 0, 0))
    assert.deepEqual(eventsOf(engine), [])
  })
  it('closes what is open when it ends, once a channel was refused: it cannot leave, and so nobody else would', () => {
    const closes = (requests: 'all' | 'openssh', refused: boolean): readonly number[] => {
      const engine = engineOf(requests)
      engine.connection.open(session, {})
      engine.receive(confirmation)
      engine.connection.open(session, {})
      if (refused)
        engine.receive(
          packet(writer => writer.message(ChannelOpenFailure, { recipientChannel: 1, reasonCode: 2, description: 'no', languageTag: '' })),
        )
      eventsOf(engine)
      payloadsOf(engine)
      assert.equal(engine.refused, refused ? 1 : 0)
      engine.disconnect('by-application')
      return payloadsOf(engine).map(([number]) => number)
    }
    assert.deepEqual(closes('openssh', true), [97])
    assert.deepEqual(closes('openssh', false), [])
    assert.deepEqual(closes('all', true), [])
  })
})

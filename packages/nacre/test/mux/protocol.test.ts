// Owns the specification of PROTOCOL.mux on the wire: the bytes of messages, what is refused of them on both sides, and manners with
// OpenSSH's masters and clients. Knows nothing of sockets.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { ChannelOpenFailure, GlobalRequest } from '../../src/connection/messages.ts'
import { PlainWriter } from '../../src/engine/plain-packets.ts'
import { ConnectError, ShareError, WireError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { Control } from '../../src/mux/control.ts'
import { TransportLine } from '../../src/mux/line.ts'
import {
  Alive,
  AliveCheck,
  decodeMux,
  encodeMux,
  Failure,
  Hello,
  mostMuxBytes,
  muxNumber,
  NewSession,
  Ok,
  OpenForward,
  pathPort,
  Proxying,
  ProxyRequest,
  Terminate,
} from '../../src/mux/messages.ts'
import { connectSharedOver } from '../../src/mux/over.ts'
import { readForward, sameForward, spellForward } from '../../src/mux/places.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { encode } from '../../src/wire/codec.ts'
import { quiet } from '../io/fixtures.ts'
import { sharedWorld } from './fixtures.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const hello = encodeMux(Hello, { version: 4, extensions: new Map() })

/** What comes of a line to a master to which `bytes` are said. */
const told = async (bytes: readonly Uint8Array[]): Promise<{ readonly payloads: readonly Uint8Array[]; readonly ended: boolean }> => {
  await using all = await sharedWorld()
  const line = all.line()
  const heard: Uint8Array[] = []
  let ended = false
  line.start({ data: piece => void heard.push(piece.slice()), end: () => (ended = true) })
  for (const each of bytes) line.write(each, () => {})
  await quiet()
  const stream = Buffer.concat(heard)
  const payloads: Uint8Array[] = []
  for (let at = 0; at + 4 <= stream.length; at += 4 + stream.readUInt32BE(at))
    payloads.push(new Uint8Array(stream.subarray(at + 4, at + 4 + stream.readUInt32BE(at))))
  return { payloads, ended }
}

describe('messages', () => {
  it('have the bytes of the description', () => {
    assert.equal(hex(hello), '000000080000000100000004')
    assert.equal(hex(encodeMux(AliveCheck, { requestId: 7 })), '000000081000000400000007')
    assert.equal(hex(encodeMux(Alive, { requestId: 7, pid: 258 })), '0000000c800000050000000700000102')
    assert.equal(hex(encodeMux(ProxyRequest, { requestId: 1 })), '000000081000000f00000001')
    const forward = { requestId: 2, ...spellForward({ kind: 'remote', listen: { path: '/s' }, connect: { host: 'h', port: 80 } }) }
    assert.equal(hex(encodeMux(OpenForward, forward)), '0000001f100000060000000200000002000000022f73fffffffe000000016800000050')
  })
  it('carry a session with its environment', () => {
    const session = {
      ...{ requestId: 3, reserved: '', wantTty: 1, wantX11: 0, wantAgent: 1, subsystem: 0, escapeCharacter: 0x7e },
      ...{ term: 'xterm', command: 'ls', environment: ['LANG=C', 'A=b'] },
    }
    assert.deepEqual(decodeMux(NewSession, encodeMux(NewSession, session).subarray(4)), session)
  })
  it('are refused when they are short, long, or of another number', () => {
    const good = encodeMux(Alive, { requestId: 7, pid: 1 }).subarray(4)
    assert.throws(() => decodeMux(Alive, good.subarray(0, -1)), WireError)
    assert.throws(() => decodeMux(Alive, Uint8Array.of(...good, 0)), WireError)
    assert.throws(() => decodeMux(Ok, good), WireError)
    assert.throws(() => muxNumber(Uint8Array.of(1, 2, 3)), WireError)
  })
  it('name extensions and variables within bounds', () => {
    const many = new Map(Array.from({ length: 65 }, (_, index) => [`e${index}`, '']))
    assert.throws(() => decodeMux(Hello, encodeMux(Hello, { version: 4, extensions: many }).subarray(4)), /more than 64/)
  })
})

describe('a forward', () => {
  const spelt = { kind: 1, listenHost: '', listenPort: 1, connectHost: 'h', connectPort: 2 }
  it('comes back as it was spelt', () => {
    for (const forward of [
      { kind: 'local', listen: { host: '', port: 1 }, connect: { path: '/p' } },
      { kind: 'remote', listen: { host: '*', port: 0 }, connect: { host: 'h', port: 2 } },
      { kind: 'remote', listen: { path: '/p' }, connect: undefined },
      { kind: 'dynamic', listen: { host: '::1', port: 1080 }, connect: undefined },
    ] as const)
      assert.ok(sameForward(readForward(spellForward(forward)), forward))
  })
  it('is refused when nothing could come of it', () => {
    for (const wrong of [
      { kind: 0 },
      { kind: 4 },
      { listenPort: 65536 },
      { connectPort: 65536 },
      { connectPort: 0 },
      { connectHost: '' },
      { listenPort: pathPort },
      { kind: 3, listenPort: pathPort, listenHost: '/p' },
    ])
      assert.throws(() => readForward({ ...spelt, ...wrong }), WireError, JSON.stringify(wrong))
  })
})

describe('a master', () => {
  it('greets with its version, and answers requests in their order', async () => {
    const asked = [1, 2, 3].map(requestId => encodeMux(AliveCheck, { requestId }))
    const { payloads, ended } = await told([hello, ...asked])
    assert.equal(decodeMux(Hello, payloads[0]).version, 4)
    assert.deepEqual(
      payloads.slice(1).map(each => decodeMux(Alive, each).requestId),
      [1, 2, 3],
    )
    assert.equal(ended, false)
  })
  it('takes messages in any pieces', async () => {
    const all = Buffer.concat([hello, encodeMux(AliveCheck, { requestId: 9 })])
    const { payloads } = await told(Array.from(all, byte => Uint8Array.of(byte)))
    assert.equal(decodeMux(Alive, payloads[1]).requestId, 9)
  })
  it('cuts off who does not begin with a greeting of version 4', async () => {
    for (const first of [encodeMux(AliveCheck, { requestId: 1 }), encodeMux(Hello, { version: 3, extensions: new Map() })]) {
      const { payloads, ended } = await told([first])
      assert.deepEqual([payloads.length, ended], [1, true])
    }
  })
  it('cuts off who sends a length that no message has', async () => {
    for (const length of [0, 3, mostMuxBytes + 1, 0xffffffff]) {
      const bytes = new Uint8Array(4)
      new DataView(bytes.buffer).setUint32(0, length)
      assert.equal((await told([hello, bytes])).ended, true, `${length}`)
    }
  })
  it('cuts off who sends a malformed message', async () => {
    assert.equal((await told([hello, Uint8Array.of(0, 0, 0, 5, 0x10, 0, 0, 4, 1)])).ended, true)
  })
  it('answers a request it does not know, by its number', async () => {
    const { payloads, ended } = await told([hello, Uint8Array.of(0, 0, 0, 8, 0x12, 0x34, 0, 0, 0, 0, 0, 5)])
    assert.deepEqual(decodeMux(Failure, payloads[1]), { requestId: 5, reason: 'unsupported request' })
    assert.equal(ended, false)
  })
  it('refuses sessions where no descriptors can come, and hears nothing more', async () => {
    const session = {
      ...{ requestId: 3, reserved: '', wantTty: 0, wantX11: 0, wantAgent: 0, subsystem: 0, escapeCharacter: 0xffffffff },
      ...{ term: '', command: 'ls', environment: [] },
    }
    const { payloads } = await told([hello, encodeMux(NewSession, session), new Uint8Array(3), encodeMux(AliveCheck, { requestId: 4 })])
    assert.match(decodeMux(Failure, payloads[1]).reason, /ssh -O proxy/)
    assert.equal(payloads.length, 2)
  })
  it('cuts off a proxy client that breaks the protocol, and nobody else', async () => {
    for (const packet of [
      Uint8Array.of(0, 0, 0, 1, 0),
      Uint8Array.of(0, 0, 0, 2, 0, 20),
      Uint8Array.of(0, 0, 0, 3, 9, 94, 0),
      Uint8Array.of(0, 0, 0, 7, 0, 94, 0, 0, 0, 9, 0),
      Uint8Array.of(0xff, 0, 0, 0),
      Uint8Array.of(0, 0, 0, 2, 0, 81),
    ]) {
      await using all = await sharedWorld()
      const line = all.line()
      let ended = false
      line.start({ data: () => {}, end: () => (ended = true) })
      for (const each of [hello, encodeMux(ProxyRequest, { requestId: 0 }), packet]) line.write(each, () => {})
      await quiet()
      assert.equal(ended, true, hex(packet))
      assert.equal(all.sharing.clients, 0)
      assert.equal((await (await all.shared()).run('x')).code, 7)
    }
  })
  it('gives a client that is not ours no packet that OpenSSH cannot read', async () => {
    await using all = await sharedWorld({}, { answer: question => (question.succeed(), true) })
    const line = all.line()
    const heard: Uint8Array[] = []
    line.start({ data: piece => void heard.push(piece.slice()), end: () => {} })
    const details = encode(tcpipForward.codec, { addressToBind: 'localhost', portNumberToBind: 8081 })
    const writer = new PlainWriter()
    writer.message(GlobalRequest, { requestName: tcpipForward.name, wantReply: true, details })
    const request = writer.take() ?? assert.fail('nothing was written')
    for (const each of [hello, encodeMux(ProxyRequest, { requestId: 0 }), request]) line.write(each, () => {})
    await quiet()
    assert.ok(hex(Buffer.concat(heard)).endsWith('000000050051000000'))
  })
})

/** A master that answers as told. */
const answering = (answers: readonly Uint8Array[]): ByteTransport => {
  const [near, far] = memoryPair()
  far.start({ data: () => {}, end: () => {} })
  for (const each of answers) far.write(each, () => {})
  return near
}
const control = (answers: readonly Uint8Array[]): Promise<Control> => Control.over(answering(answers), { path: '/s' })

describe('a client', () => {
  it('takes nobody for a master who does not greet as one', async () => {
    const cases = [
      [encodeMux(Hello, { version: 5, extensions: new Map() }), 'SHARE_PROTOCOL'],
      [new TextEncoder().encode('SSH-2.0-OpenSSH\r\n'), 'SHARE_PROTOCOL'],
      [encodeMux(Ok, { requestId: 0 }), 'SHARE_PROTOCOL'],
    ] as const
    for (const [bytes, code] of cases) await assert.rejects(control([bytes]), { code })
    const [near, far] = memoryPair()
    far.start({ data: () => far.close(), end: () => {} })
    await assert.rejects(Control.over(near, { path: '/s' }), { code: 'SHARE_NO_MASTER' })
  })
  it('waits for a greeting no longer than it is told', async () => {
    const clock = virtualClock()
    const greeting = Control.over(answering([]), { path: '/s', timeout: 3000, clock })
    clock.advance(3000)
    await assert.rejects(greeting, { code: 'SHARE_PROTOCOL', message: /within 3 s/ })
  })
  it('takes an answer to another request for a fault', async () => {
    const master = await control([hello, encodeMux(Alive, { requestId: 9, pid: 1 })])
    await assert.rejects(master.check(), (error: unknown) => error instanceof ShareError && error.code === 'SHARE_PROTOCOL')
  })
  it('shows a master its own words only after they were made harmless', async () => {
    const master = await control([hello, encodeMux(Failure, { requestId: 0, reason: 'a\u001b[31mb' })])
    await assert.rejects(master.check(), (error: Error) => error.message.includes('a\\x1b[31mb'))
  })
  it('takes a master that ends without an answer for one that did as it was asked', async () => {
    const [near, far] = memoryPair()
    let said = 0
    far.start({ data: () => (++said === 1 ? far.write(hello, () => {}) : far.close()), end: () => {} })
    await (await Control.over(near, { path: '/s' })).terminate()
    assert.equal(said, 2)
  })
  it('does not leave a master of OpenSSH once the server has refused it a channel; else it does', async () => {
    for (const refused of [true, false]) {
      const [near, far] = memoryPair()
      const proxying = encodeMux(Proxying, { requestId: 0 })
      const refusal = new PlainWriter()
      refusal.message(ChannelOpenFailure, { recipientChannel: 0, reasonCode: 2, description: 'nothing listens there', languageTag: '' })
      const answers = [hello, proxying, ...(refused ? [refusal.take() ?? hello] : [])]
      let [ended, left] = [false, 0]
      far.start({ data: () => void (answers.length > 0 && far.write(answers.shift() ?? hello, () => {})), end: () => (ended = true) })
      const shared = await connectSharedOver(near, { path: '/s', leaveOpen: () => void left++ })
      if (refused) await assert.rejects(shared.dial('db:1'), ConnectError)
      await shared.close()
      await quiet()
      assert.deepEqual([ended, left], refused ? [false, 1] : [true, 0])
    }
  })
  it('asks nothing of a master of OpenSSH 9 that only those of 10 can tell', async () => {
    await assert.rejects((await control([hello])).info('connection'), { code: 'SHARE_FAILED', message: /OpenSSH 10/ })
  })
})

describe('a line', () => {
  it('hands over what came behind the last message, and all that follows', async () => {
    const [near, far] = memoryPair()
    const line = new TransportLine(near)
    far.start({ data: () => {}, end: () => {} })
    far.write(Uint8Array.of(...encodeMux(Proxying, { requestId: 0 }), 1, 2), () => {})
    assert.equal(muxNumber((await line.read()) ?? assert.fail()), Proxying.number)
    const got: number[] = []
    line.handOver().start({ data: bytes => got.push(...bytes), end: () => {} })
    far.write(Uint8Array.of(3), () => {})
    await quiet()
    assert.deepEqual(got, [1, 2, 3])
    assert.throws(() => line.handOver(), /another owner/)
  })
  it('ends within a message with a fault', async () => {
    const [near, far] = memoryPair()
    const line = new TransportLine(near)
    far.start({ data: () => {}, end: () => {} })
    far.write(encodeMux(Terminate, { requestId: 0 }).subarray(0, 9), () => {})
    await quiet()
    far.close()
    await assert.rejects(line.read(), WireError)
  })
})

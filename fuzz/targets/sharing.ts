// Owns the targets for shared connections: whatever somebody says to who shares one, and whatever a master says to a client. Neither
// ends anything but its own line, and what it is answered can be read.
import assert from 'node:assert/strict'
import { defaultLimits } from '../../packages/nacre/src/connection/limits.ts'
import { connectionMessages } from '../../packages/nacre/src/connection/messages.ts'
import { connectionRows } from '../../packages/nacre/src/connection/rows.ts'
import { PlainWriter } from '../../packages/nacre/src/engine/plain-packets.ts'
import { SharedEngine } from '../../packages/nacre/src/engine/shared.ts'
import { memoryPair } from '../../packages/nacre/src/io/memory.ts'
import { TransportLine } from '../../packages/nacre/src/mux/line.ts'
import { MasterDialogue } from '../../packages/nacre/src/mux/master.ts'
import { encodeMux, Hello, OpenForward, ProxyRequest, AliveCheck } from '../../packages/nacre/src/mux/messages.ts'
import { forwardText, readForward, sameForward, spellForward } from '../../packages/nacre/src/mux/places.ts'
import { invented } from '../rig/shape.ts'
import type { Target } from '../rig/target.ts'

const hello = encodeMux(Hello, { version: 4, extensions: new Map([['info', '0']]) })
const forward = encodeMux(OpenForward, { requestId: 1, kind: 1, listenHost: '', listenPort: 1, connectHost: 'h', connectPort: 2 })
const words = ['info', 'connection', 'channels', 'tcpip-forward', 'localhost', 'session', '\xff\xff\xff\xfe']

const dialogue: Target = {
  name: 'mux-master',
  about: 'whatever a client says to who shares a connection: whole answers, one line at most is ended, forwards that can be spelt again',
  words,
  seeds: () => [
    Uint8Array.of(9, ...hello, ...encodeMux(AliveCheck, { requestId: 1 }), ...forward),
    Uint8Array.of(200, ...hello, ...encodeMux(ProxyRequest, { requestId: 1 }), 0, 0, 0, 2, 0, 82),
  ],
  run: async (input, note) => {
    const size = 1 + (input[0] ?? 0)
    const [near, far] = memoryPair()
    const said: Uint8Array[] = []
    near.start({ data: bytes => void said.push(bytes.slice()), end: () => note('ended') })
    let proxied = false
    const served = new MasterDialogue(new TransportLine(far), {
      pid: 1,
      serverVersion: 'x',
      permit: () => true,
      terminate: () => note('terminate'),
      stopListening: () => note('stop'),
      openForward: async each => {
        note(`open ${each.kind}`)
        assert.ok(sameForward(readForward(spellForward(each)), each), forwardText(each))
        return undefined
      },
      closeForward: async () => false,
      info: () => undefined,
      proxy: transport => {
        proxied = true
        transport.close()
      },
    }).run()
    for (let at = 1; at < input.length; at += size) near.write(input.slice(at, at + size), () => {})
    near.close()
    await served
    const all = Buffer.concat(said)
    let at = 0
    while (at + 4 <= all.length) at += 4 + all.readUInt32BE(at)
    assert.ok(at === all.length || proxied, 'an answer is cut')
    note(proxied ? 'proxied' : 'told')
  },
}

const packets = (fill: (writer: PlainWriter) => void): readonly number[] => {
  const writer = new PlainWriter()
  fill(writer)
  return [...(writer.take() ?? [])]
}

const engine: Target = {
  name: 'shared-engine',
  about: 'packets to the engine of a shared connection: it ends once at most, by an error with a code, and holds no more than it should',
  words,
  seeds: () => [Uint8Array.of(0, 7, ...packets(writer => writer.data(0, 0, Uint8Array.of(1)))), Uint8Array.of(1, 3, 0, 0, 0, 2, 0, 82)],
  generate: random => {
    const message = random.pick(connectionMessages)
    const payload = [message.number, ...invented(message, random, words)]
    const length = payload.length + 1
    return Uint8Array.of(random.below(2), random.below(256), 0, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, 0, ...payload)
  },
  run: (input, note) => {
    const role = (input[0] ?? 0) % 2 === 0 ? 'client' : 'server'
    const size = 1 + (input[1] ?? 0)
    const made = new SharedEngine({
      connection: { role, limits: defaultLimits, rows: connectionRows() },
      highWater: 64 * 1024,
      requests: 'all',
    })
    let ends = 0
    for (let at = 2; at < input.length; at += size) {
      made.receive(input.slice(at, at + size))
      for (let event = made.nextEvent(); event !== undefined; event = made.nextEvent()) {
        note(event.is)
        if (event.is !== 'ended') continue
        ends++
        assert.match('code' in event.error ? String(event.error.code) : '', /^PROTOCOL_/)
      }
      for (let buffer = made.takeOutgoing(); buffer !== undefined; buffer = made.takeOutgoing()) made.release(buffer)
    }
    assert.ok(ends <= 1)
    assert.equal(made.pendingOutput, 0)
  },
}

export const sharingTargets: readonly Target[] = [dialogue, engine]

// Every row of the three tables: values go there and back, names are right, and bytes are what the RFCs and OpenSSH's
// PROTOCOL say.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { channelTypes } from '../../src/connection/channel-types/table.ts'
import { globalRequests } from '../../src/connection/global-requests/table.ts'
import { channelRequests } from '../../src/connection/requests/table.ts'
import { signalNames } from '../../src/connection/requests/signal.ts'
import type { Row } from '../../src/connection/row.ts'
import { terminalModeOpcodes } from '../../src/connection/terminal-modes.ts'
import { WireError } from '../../src/errors.ts'
import { type Codec, decode, encode } from '../../src/wire/codec.ts'

const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const text = fc.string({ unit: 'grapheme', maxLength: 80 })
const boolean = fc.boolean()
const blob = fc.uint8Array({ maxLength: 40 })
const size = { columns: uint32, rows: uint32, widthPixels: uint32, heightPixels: uint32 }
const modes = fc.dictionary(fc.constantFrom(...Object.keys(terminalModeOpcodes), 'opcode-99', 'opcode-159'), uint32, {
  noNullPrototype: true,
})
const address = { addressToBind: text, portNumberToBind: uint32 }
const originator = { originatorAddress: text, originatorPort: uint32 }

/** One line per row: who may send it, and its fields. */
const requests: Readonly<Record<string, readonly ['client' | 'server' | 'either', Record<string, fc.Arbitrary<unknown>>]>> = {
  'pty-req': ['client', { term: text, ...size, modes }],
  'x11-req': ['client', { singleConnection: boolean, authenticationProtocol: text, authenticationCookie: text, screenNumber: uint32 }],
  env: ['client', { name: text, value: text }],
  shell: ['client', {}],
  exec: ['client', { command: text }],
  subsystem: ['client', { subsystemName: text }],
  'window-change': ['client', size],
  'xon-xoff': ['server', { clientCanDo: boolean }],
  signal: ['client', { signalName: fc.constantFrom(...signalNames) }],
  'exit-status': ['server', { exitStatus: uint32 }],
  'exit-signal': ['server', { signalName: fc.constantFrom(...signalNames), coreDumped: boolean, errorMessage: text, languageTag: text }],
  break: ['client', { breakLength: uint32 }],
  'auth-agent-req@openssh.com': ['client', {}],
  'agent-req': ['client', {}],
  'eow@openssh.com': ['either', {}],
  'keepalive@openssh.com': ['either', {}],
}
const types: typeof requests = {
  session: ['client', {}],
  'direct-tcpip': ['client', { hostToConnect: text, portToConnect: uint32, ...originator }],
  'forwarded-tcpip': ['server', { connectedAddress: text, connectedPort: uint32, ...originator }],
  'direct-streamlocal@openssh.com': ['client', { socketPath: text, reservedText: text, reservedNumber: uint32 }],
  'forwarded-streamlocal@openssh.com': ['server', { socketPath: text, reservedText: text }],
  x11: ['server', originator],
  'auth-agent@openssh.com': ['server', {}],
  'agent-connect': ['server', {}],
  'tun@openssh.com': ['client', { tunnelMode: uint32, remoteUnit: uint32 }],
}
const globals: typeof requests = {
  'keepalive@openssh.com': ['either', {}],
  'no-more-sessions@openssh.com': ['client', {}],
  'tcpip-forward': ['client', address],
  'cancel-tcpip-forward': ['client', address],
  'streamlocal-forward@openssh.com': ['client', { socketPath: text }],
  'cancel-streamlocal-forward@openssh.com': ['client', { socketPath: text }],
  'hostkeys-00@openssh.com': ['server', { hostKeys: fc.array(blob) }],
  'hostkeys-prove-00@openssh.com': ['client', { hostKeys: fc.array(blob) }],
}
const replies: Readonly<Record<string, Record<string, fc.Arbitrary<unknown>>>> = {
  'tcpip-forward': { allocatedPort: fc.option(uint32, { nil: undefined }) },
  'hostkeys-prove-00@openssh.com': { signatures: fc.array(blob) },
}

const returns = (codec: Codec<unknown>, fields: Record<string, fc.Arbitrary<unknown>>): void => {
  fc.assert(
    fc.property(fc.record(fields, { noNullPrototype: true }), value => {
      const encoded = encode(codec, value)
      assert.deepEqual(decode(codec, encoded), value)
      assert.throws(() => decode(codec, Uint8Array.of(...encoded, 0)), WireError)
    }),
    { numRuns: 50 },
  )
}

for (const [what, table, expected] of [
  ['channel requests', channelRequests, requests],
  ['channel types', channelTypes, types],
  ['global requests', globalRequests, globals],
] as readonly (readonly [string, readonly Row[], typeof requests])[]) {
  describe(what, () => {
    it('are those of the list', () => {
      assert.deepEqual(
        table.map(row => row.name),
        Object.keys(expected),
      )
    })
    for (const row of table) {
      const [from, fields] = expected[row.name]
      it(`${row.name}: there and back`, () => {
        assert.equal(row.from ?? 'either', from)
        if (row.name.startsWith('hostkeys')) return
        returns(row.codec, fields)
      })
    }
  })
}

describe('replies to global requests', () => {
  for (const row of globalRequests) {
    it(`${row.name}: ${row.name in replies ? 'has details' : 'has none'}`, () => {
      assert.equal('reply' in row, row.name in replies)
    })
  }
  it('of tcpip-forward name a port, or nothing', () => {
    const row = globalRequests.find(each => each.name === 'tcpip-forward')
    assert.ok(row !== undefined && 'reply' in row)
    returns(row.reply as Codec<unknown>, replies['tcpip-forward'])
  })
})

describe('lists of host keys', () => {
  const row = globalRequests.find(each => each.name === 'hostkeys-prove-00@openssh.com')
  assert.ok(row !== undefined && 'reply' in row)
  it('go there and back, keys and signatures', () => {
    fc.assert(
      fc.property(fc.array(blob), blobs => {
        assert.deepEqual(decode(row.codec, encode(row.codec, { hostKeys: blobs })), { hostKeys: blobs })
        assert.deepEqual(decode(row.reply, encode(row.reply, { signatures: blobs })), { signatures: blobs })
      }),
    )
  })
  it('are bounded, and refuse what is cut', () => {
    const many = Array.from({ length: 257 }, () => new Uint8Array(0))
    assert.throws(() => decode(row.codec, encode(row.codec, { hostKeys: many })), WireError)
    assert.throws(() => decode(row.codec, Uint8Array.of(0, 0, 0, 2, 1)), WireError)
  })
})

describe('bytes as others send them', () => {
  const hex = (value: string): Uint8Array => new Uint8Array(Buffer.from(value.replaceAll(' ', ''), 'hex'))
  const row = (name: string): Row => {
    const found = (channelRequests as readonly Row[]).find(each => each.name === name)
    assert.ok(found !== undefined)
    return found
  }
  // RFC 4254 §6.10's own example, by hand.
  it('exit-signal', () => {
    const encoded = hex('00000004 5445524d 00 00000003 627965 00000000')
    assert.deepEqual(decode(row('exit-signal').codec, encoded), {
      signalName: 'TERM',
      coreDumped: false,
      errorMessage: 'bye',
      languageTag: '',
    })
  })
  it('exit-status', () => {
    assert.deepEqual(decode(row('exit-status').codec, hex('000000ff')), { exitStatus: 255 })
  })
  it('an error message that is not UTF-8 is for people, and read leniently', () => {
    const encoded = hex('00000003 485550 01 00000002 fffe 00000000')
    assert.deepEqual(decode(row('exit-signal').codec, encoded), {
      signalName: 'HUP',
      coreDumped: true,
      errorMessage: '\ufffd\ufffd',
      languageTag: '',
    })
  })
  it("pty-req of OpenSSH's client", () => {
    const vector = JSON.parse(readFileSync(new URL('vectors/pty-req-openssh.json', import.meta.url), 'utf8')) as Record<
      string,
      string | number
    >
    const encoded = new Uint8Array([
      ...hex('0000000e'),
      ...new TextEncoder().encode('xterm-256color'),
      ...hex('00000084 00000028 00000000 00000000 00000105'),
      ...hex(String(vector.modes)),
    ])
    const value = decode(row('pty-req').codec, encoded) as Record<string, unknown>
    for (const field of ['term', 'columns', 'rows', 'widthPixels', 'heightPixels']) assert.equal(value[field], vector[field])
    assert.deepEqual(encode(row('pty-req').codec, value), encoded)
  })
})

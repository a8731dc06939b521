// The dialogue of SOCKS, byte by byte: what is asked for in each version, what is answered to each outcome, and what is no SOCKS.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ForwardError } from '../../src/errors.ts'
import { socksDialogue, type SocksOutcome, type SocksTarget } from '../../src/forward/socks.ts'

interface Held {
  readonly said: string
  readonly target: SocksTarget | undefined
  readonly connected: boolean | undefined
  readonly error: Error | undefined
  /** Bytes nobody took. */
  readonly left: number
  /** The dialogue waits for more bytes. */
  readonly waits: boolean
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Holds the dialogue with a client that says these bytes and no more. */
const hold = (input: string | Uint8Array, outcome: SocksOutcome = 'connected'): Held => {
  const bytes = typeof input === 'string' ? new Uint8Array(Buffer.from(input.replace(/\s/g, ''), 'hex')) : input
  const dialogue = socksDialogue()
  const said: string[] = []
  let at = 0
  let target: SocksTarget | undefined
  const held = (rest: Partial<Held>): Held => ({
    said: said.join(' '),
    target,
    connected: undefined,
    error: undefined,
    left: bytes.length - at,
    waits: false,
    ...rest,
  })
  try {
    for (let turn = dialogue.next(); ;) {
      if (turn.done === true) return held({ connected: turn.value })
      const step = turn.value
      if (step.do === 'take') {
        if (at + step.bytes > bytes.length) return held({ waits: true })
        at += step.bytes
        turn = dialogue.next(bytes.slice(at - step.bytes, at))
      } else if (step.do === 'say') {
        said.push(hex(step.bytes))
        turn = dialogue.next()
      } else {
        target = step.target
        turn = dialogue.next(outcome)
      }
    }
  } catch (error) {
    assert.ok(error instanceof ForwardError && error.code === 'FORWARD_SOCKS', String(error))
    return held({ error })
  }
}

const ascii = (text: string): string => Buffer.from(text).toString('hex')
const granted4 = '005a000000000000'
const rejected4 = '005b000000000000'
const reply5 = (code: number): string => `05${code.toString(16).padStart(2, '0')}0001000000000000`

describe('SOCKS 4', () => {
  it('names an address and a port, and a user nobody looks at', () => {
    const held = hold(`04 01 1f90 c0000205 ${ascii('ada')} 00`)
    assert.deepEqual(held.target, { version: 4, host: '192.0.2.5', port: 8080 })
    assert.deepEqual([held.said, held.connected, held.left], [granted4, true, 0])
  })
  it('is told that nothing came of it, for whatever reason', () => {
    for (const outcome of ['not-allowed', 'host-unreachable', 'refused', 'failed'] as const) {
      const held = hold('04 01 0050 7f000001 00', outcome)
      assert.deepEqual([held.said, held.connected], [rejected4, false])
    }
  })
  it('4a names a host instead, by an address that is none', () => {
    const held = hold(`04 01 0050 00000001 ${ascii('x')} 00 ${ascii('db.internal')} 00`)
    assert.deepEqual(held.target, { version: 4, host: 'db.internal', port: 80 })
    assert.equal(held.said, granted4)
    // 0.0.0.0 is an address.
    assert.equal(hold('04 01 0050 00000000 00').target?.host, '0.0.0.0')
  })
  it('serves no command but CONNECT, and no port 0', () => {
    const bind = hold('04 02 0050 7f000001 00')
    assert.equal(bind.said, rejected4)
    assert.match(bind.error?.message ?? '', /command 2; only CONNECT/)
    const nowhere = hold('04 01 0000 7f000001 00')
    assert.deepEqual([nowhere.said, nowhere.target], [rejected4, undefined])
    assert.match(nowhere.error?.message ?? '', /port 0/)
  })
  it('ends texts that never end after 255 bytes', () => {
    assert.equal(hold(`04 01 0050 7f000001 ${'61'.repeat(255)} 00`).connected, true)
    const user = hold(`04 01 0050 7f000001 ${'61'.repeat(100_000)}`)
    assert.match(user.error?.message ?? '', /name of the user is longer than 255/)
    assert.ok(user.left > 99_000)
    assert.match(hold(`04 01 0050 00000001 00 ${'61'.repeat(256)}`).error?.message ?? '', /name of the host is longer than 255/)
  })
  it('takes no byte beyond the request', () => assert.equal(hold(`04 01 0050 7f000001 00 ${ascii('GET / ')}`).left, 6))
})

describe('SOCKS 5', () => {
  const greeting = '05 02 00 02'
  it('agrees on no authentication, then names an IPv4 address, an IPv6 address or a host', () => {
    const v4 = hold(`${greeting} 05 01 00 01 c0000205 0050`)
    assert.deepEqual([v4.said, v4.target, v4.connected], [`0500 ${reply5(0)}`, { version: 5, host: '192.0.2.5', port: 80 }, true])
    const v6 = hold(`${greeting} 05 01 00 04 20010db8000000000000000000000001 01bb`)
    assert.deepEqual(v6.target, { version: 5, host: '2001:db8:0:0:0:0:0:1', port: 443 })
    const name = hold(`${greeting} 05 01 00 03 0b ${ascii('db.internal')} ffff`)
    assert.deepEqual(name.target, { version: 5, host: 'db.internal', port: 65_535 })
  })
  it('is told why nothing came of it', () => {
    const codes: Readonly<Record<SocksOutcome, number>> = { connected: 0, failed: 1, 'not-allowed': 2, 'host-unreachable': 4, refused: 5 }
    for (const [outcome, code] of Object.entries(codes)) {
      const held = hold(`${greeting} 05 01 00 01 7f000001 0050`, outcome as SocksOutcome)
      assert.deepEqual([held.said, held.connected], [`0500 ${reply5(code)}`, outcome === 'connected'])
    }
  })
  it('is refused where the client offers no way without authentication', () => {
    for (const offers of ['05 01 02', '05 00']) {
      const held = hold(`${offers} 05 01 00 01 7f000001 0050`)
      assert.equal(held.said, '05ff')
      assert.match(held.error?.message ?? '', /without authentication/)
    }
  })
  it('serves no command but CONNECT, no port 0, and no other kind of address', () => {
    assert.deepEqual(hold(`${greeting} 05 03 00 01 7f000001 0050`).said, `0500 ${reply5(7)}`)
    assert.deepEqual(hold(`${greeting} 05 01 00 01 7f000001 0000`).said, `0500 ${reply5(1)}`)
    assert.deepEqual(hold(`${greeting} 05 01 00 02 7f000001 0050`).said, `0500 ${reply5(8)}`)
    assert.match(hold(`${greeting} 04 01 00 01 7f000001 0050`).error?.message ?? '', /goes on as version 4/)
  })
  it('names hosts as hosts are named', () => {
    for (const name of ['00', `02 ${ascii('a b'.slice(0, 2))}`, '02 0a61', '03 1b5b4a', '01 ff'])
      assert.ok(hold(`${greeting} 05 01 00 03 ${name} 0050`).error instanceof ForwardError, name)
  })
  it('takes no byte beyond the request', () => assert.equal(hold(`${greeting} 05 01 00 01 7f000001 0050 ${ascii('GET / ')}`).left, 6))
})

describe('what is no SOCKS', () => {
  it('is known by its first byte', () => {
    for (const first of [0, 1, 3, 6, 0x47, 0xff]) {
      const held = hold(Uint8Array.of(first, 1, 2, 3))
      assert.match(held.error?.message ?? '', new RegExp(`begins with ${first};`))
      assert.deepEqual([held.said, held.left], ['', 3])
    }
  })
  it('in pieces of any length it waits for the rest, and says nothing', () => {
    const whole = '0401005000000001007800'
    for (let length = 0; length < whole.length; length += 2) {
      const held = hold(whole.slice(0, length))
      assert.deepEqual([held.waits, held.said, held.error], [true, '', undefined], whole.slice(0, length))
    }
  })
  it('never throws anything but its own error, and never takes without end', () => {
    let seed = 0x50c5
    const byte = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return seed >>> 24
    }
    for (let round = 0; round < 5000; round++) {
      const bytes = Uint8Array.from({ length: 600 }, byte)
      bytes[0] = round % 2 === 0 ? 4 : 5
      const held = hold(bytes)
      assert.ok(!held.waits, `round ${round} of seed 0x50c5`)
    }
  })
})

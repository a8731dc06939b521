// Diffie-Hellman group exchange: who picks which group, what is hashed, and what neither side accepts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { diffieHellmanGroupExchangeSha256 as method } from '../../../src/algorithms/kex/dh-group-exchange.ts'
import { group1, safeGroups } from '../../../src/algorithms/kex/groups.ts'
import { KexDhGexGroup, KexDhGexInit, KexDhGexReply, KexDhGexRequest, KexDhGexRequestOld } from '../../../src/algorithms/kex/messages.ts'
import type { DhGroup, KexRun } from '../../../src/algorithms/rows.ts'
import { ProtocolError, type Violation } from '../../../src/errors.ts'
import { encode, mpint, struct, uint32 } from '../../../src/wire/codec.ts'
import { asks, gives, givesBytes, type Line, play, returned, sends, thrown, waits } from '../../dialogue.ts'
import { both, computes, hex, kexCrypto, proof, run, serverRun, toHex, toMagnitude, toNumber } from './fixtures.ts'

const [group2048, group3072, group4096, group6144, group8192] = safeGroups

const refuses = (dialogue: Parameters<typeof play>[0], lines: readonly Line[], violation: Violation, why: RegExp): void => {
  const error = thrown(play(dialogue, lines), ProtocolError)
  assert.equal(error.violation, violation)
  assert.match(error.message, why)
}

describe('the server picks', () => {
  const picks = (wishes: { min: number; n: number; max: number }, expected: DhGroup, change: Partial<KexRun> = {}): void =>
    waits(play(method.server(serverRun(change)), [gives(KexDhGexRequest, wishes), sends(KexDhGexGroup, expected)]))

  it('the smallest group that is large enough', () => {
    picks({ min: 2048, n: 2048, max: 8192 }, group2048)
    picks({ min: 2048, n: 2049, max: 8192 }, group3072)
    picks({ min: 2048, n: 4096, max: 8192 }, group4096)
    picks({ min: 2048, n: 8192, max: 8192 }, group8192)
    picks({ min: 2500, n: 2500, max: 3500 }, group3072)
  })
  it('the largest allowed one when none is large enough', () => {
    picks({ min: 2048, n: 5000, max: 5500 }, group4096)
    picks({ min: 2048, n: 9000, max: 16384 }, group8192)
  })
  it('whatever the order of its groups', () => picks({ min: 2048, n: 3000, max: 8192 }, group3072, { groups: safeGroups.toReversed() }))
  it('within its own bounds too', () => {
    picks({ min: 1024, n: 1024, max: 8192 }, group2048, { groups: [group1, ...safeGroups] })
    picks({ min: 1024, n: 1024, max: 8192 }, group4096, { groupSizes: { min: 4096, preferred: 4096, max: 8192 } })
    picks({ min: 2048, n: 8192, max: 8192 }, group6144, { groupSizes: { min: 2048, preferred: 3072, max: 7000 } })
  })
  it('by the old request, which states one size', () => {
    const picksOld = (n: number, expected: DhGroup): void =>
      waits(play(method.server(serverRun()), [gives(KexDhGexRequestOld, { n }), sends(KexDhGexGroup, expected)]))
    picksOld(1024, group2048)
    picksOld(2048, group2048)
    picksOld(4000, group4096)
    picksOld(10000, group8192)
  })
})

describe('the server refuses', () => {
  const bad = (wishes: { min: number; n: number; max: number }, why: RegExp): void =>
    refuses(method.server(serverRun()), [gives(KexDhGexRequest, wishes)], 'group-out-of-bounds', why)

  it('bounds between which it has no group', () => {
    bad(
      { min: 2100, n: 2500, max: 3000 },
      /^The client asked for a Diffie-Hellman group of 2100 to 3000 bits, best 2500; we have none of these between 2048 and 8192\.$/,
    )
    bad({ min: 512, n: 1024, max: 1024 }, /we have none/)
    bad({ min: 16384, n: 16384, max: 16384 }, /we have none/)
  })
  it('bounds that contradict each other', () => {
    bad({ min: 8192, n: 4096, max: 2048 }, /these bounds contradict each other\.$/)
    bad({ min: 3072, n: 2048, max: 8192 }, /contradict/)
    bad({ min: 2048, n: 8192, max: 4096 }, /contradict/)
  })
  it('a public value out of range, before it spends anything', () => {
    for (const e of [0n, 1n, toNumber(group2048.p) - 1n, toNumber(group2048.p)]) {
      refuses(
        method.server(serverRun()),
        [gives(KexDhGexRequest, { min: 2048, n: 2048, max: 2048 }), sends(KexDhGexGroup), gives(KexDhGexInit, { e: toMagnitude(e) })],
        'key-exchange-value-invalid',
        /^The client's Diffie-Hellman public value/,
      )
    }
  })
  it('a public value before the group is known', () => {
    refuses(method.server(serverRun()), [gives(KexDhGexInit, { e: Uint8Array.of(4) })], 'message-unexpected', /./)
  })
})

describe('the client', () => {
  const p = toNumber(group2048.p)
  const offered = (group: DhGroup): Line[] => [sends(KexDhGexRequest, { min: 2048, n: 3072, max: 8192 }), gives(KexDhGexGroup, group)]

  it('asks for the sizes it was given', () =>
    waits(play(method.client(run('client')), [sends(KexDhGexRequest, { min: 2048, n: 3072, max: 8192 })])))
  it('refuses a group below or above these', () => {
    refuses(
      method.client(run('client')),
      offered(group1),
      'group-out-of-bounds',
      /^The server chose a Diffie-Hellman group of 1024 bits; we asked for 2048 to 8192\.$/,
    )
    refuses(
      method.client(run('client')),
      offered({ p: toMagnitude(2n ** 8192n + 1n), g: group2048.g }),
      'group-out-of-bounds',
      /of 8193 bits/,
    )
    refuses(
      method.client(run('client')),
      offered({ p: toMagnitude(2n ** 2047n - 1n), g: group2048.g }),
      'group-out-of-bounds',
      /of 2047 bits/,
    )
    refuses(method.client(run('client')), offered({ p: new Uint8Array(0), g: group2048.g }), 'group-out-of-bounds', /of 0 bits/)
  })
  it('refuses an even modulus', () => {
    refuses(
      method.client(run('client')),
      offered({ p: toMagnitude(p - 1n), g: group2048.g }),
      'key-exchange-value-invalid',
      /\(2048 bits\) is even, so it is no prime\.$/,
    )
  })
  for (const [name, g] of [
    ['0', 0n],
    ['1', 1n],
    ['p - 1', p - 1n],
    ['p', p],
    ['above p', p + 5n],
  ] as const) {
    it(`refuses the generator ${name}`, () => {
      refuses(
        method.client(run('client')),
        offered({ p: group2048.p, g: toMagnitude(g) }),
        'key-exchange-value-invalid',
        /^The generator of the server's Diffie-Hellman group has \d+ bits; it must lie between 1 and p - 1\.$/,
      )
    })
  }
  it('refuses a public value out of range of the group', () => {
    for (const f of [0n, 1n, p - 1n, p]) {
      refuses(
        method.client(run('client')),
        [...offered(group2048), asks('compute', computes), sends(KexDhGexInit), gives(KexDhGexReply, { ...proof, f: toMagnitude(f) })],
        'key-exchange-value-invalid',
        /^The server's Diffie-Hellman public value/,
      )
    }
  })
  it('never takes the second message for the first', () => {
    refuses(
      method.client(run('client')),
      [sends(KexDhGexRequest), givesBytes(hex('21000000000000000000000000'))],
      'message-unexpected',
      /./,
    )
  })
})

describe('what is hashed', () => {
  it('is min, n, max, p, g, e, f (RFC 4419 §3)', async () => {
    const seen: { min: number; n: number; max: number }[] = []
    const sizes = { min: 2048, preferred: 2500, max: 4096 }
    const { client } = await both(method, { groupSizes: sizes })
    seen.push({ min: sizes.min, n: sizes.preferred, max: sizes.max })
    const start = Buffer.concat([
      encode(struct({ min: uint32, n: uint32, max: uint32 }), seen[0]),
      encode(struct({ p: mpint, g: mpint }), group3072),
    ])
    assert.equal(toHex(client.hashed.subarray(0, start.length)), toHex(start))
  })
  it('is n, p, g, e, f after an old request (RFC 4419 §5)', () => {
    const fixed = { ...kexCrypto, dh: () => ({ publicKey: Uint8Array.of(7), agree: () => Uint8Array.of(0, 0x90) }) }
    const result = returned(
      play(method.server(serverRun({ crypto: fixed })), [
        gives(KexDhGexRequestOld, { n: 2048 }),
        sends(KexDhGexGroup, group2048),
        gives(KexDhGexInit, { e: Uint8Array.of(5) }),
        asks('compute', computes),
        asks('compute', computes),
        sends(KexDhGexReply, { ...proof, f: Uint8Array.of(7) }),
      ]),
    )
    const expected = encode(struct({ n: uint32, p: mpint, g: mpint, e: mpint, f: mpint }), {
      n: 2048,
      ...group2048,
      e: Uint8Array.of(5),
      f: Uint8Array.of(7),
    })
    assert.equal(toHex(result.hashed), toHex(expected))
    assert.equal(toHex(result.secret), '000000020090')
  })
})

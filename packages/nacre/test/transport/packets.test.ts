// Packets (RFC 4253 §6): what goes out comes in again, however it is split; lengths have floors and ceilings.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Opener, Sealer } from '../../src/algorithms/rows.ts'
import { ProtocolError, type Violation } from '../../src/errors.ts'
import { Incoming, maximumPacketLength } from '../../src/transport/incoming.ts'
import { BufferPool, Outgoing } from '../../src/transport/outgoing.ts'
import { plainOpener } from '../../src/transport/protect.ts'

const zeros = (bytes: Uint8Array): void => void bytes.fill(0)

const wireOf = (payloads: readonly Uint8Array[], sealer?: Sealer): Uint8Array => {
  const outgoing = new Outgoing(zeros, new BufferPool())
  if (sealer !== undefined) outgoing.useKeys(sealer, undefined, false)
  const parts: Uint8Array[] = []
  for (const payload of payloads) outgoing.payload(payload)
  for (let part = outgoing.take(); part !== undefined; part = outgoing.take()) parts.push(part.slice())
  // A plain Uint8Array: `slice` of a Buffer would be a view.
  return new Uint8Array(Buffer.concat(parts))
}

const readIn = (wire: Uint8Array, cuts: readonly number[], opener?: Opener): Uint8Array[] => {
  const incoming = new Incoming()
  if (opener !== undefined) incoming.useKeys(opener, undefined, false)
  const payloads: Uint8Array[] = []
  const edges = [...new Set([0, ...cuts.map(cut => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b)
  for (let i = 1; i < edges.length; i++) {
    // The network's buffer is used again at once: whatever is kept must have been copied.
    const buffer = wire.slice(edges[i - 1], edges[i])
    incoming.feed(buffer, 0, buffer.length)
    for (let payload = incoming.next(); payload !== undefined; payload = incoming.next()) payloads.push(payload.slice())
    incoming.keep()
    buffer.fill(0xee)
  }
  return payloads
}

/** Adds one to each byte, with a tag of four bytes; stands for a cipher whose plaintext is a view of the input. */
const shift: Sealer & Opener = {
  firstBytes: 8,
  tagBytes: 4,
  blockBytes: 8,
  lengthCounts: true,
  detached: false,
  seal(bytes, start, length, sequence) {
    for (let i = start; i < start + 4 + length; i++) bytes[i] = (bytes[i] + 1) & 255
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(start + 4 + length, sequence)
  },
  packetLength(bytes, start) {
    for (let i = start; i < start + 8; i++) bytes[i] = (bytes[i] - 1) & 255
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(start)
  },
  open(bytes, start, length, sequence) {
    for (let i = start + 8; i < start + 4 + length; i++) bytes[i] = (bytes[i] - 1) & 255
    if (new DataView(bytes.buffer, bytes.byteOffset).getUint32(start + 4 + length) !== sequence) return undefined
    return bytes.subarray(start + 4, start + 4 + length)
  },
}

const payloadLists = fc.array(fc.uint8Array({ minLength: 1, maxLength: 3000 }), { minLength: 1, maxLength: 12 })
const cutLists = fc.array(fc.nat(), { maxLength: 20 })

describe('packets', () => {
  it('come out as they went in, in any split, without protection', () => {
    fc.assert(fc.property(payloadLists, cutLists, (payloads, cuts) => assert.deepEqual(readIn(wireOf(payloads), cuts), payloads)))
  })
  it('come out as they went in, in any split, under a cipher that decrypts in place', () => {
    fc.assert(
      fc.property(payloadLists, cutLists, (payloads, cuts) => assert.deepEqual(readIn(wireOf(payloads, shift), cuts, shift), payloads)),
    )
  })
  it('come out byte by byte', () => {
    const payloads = [Uint8Array.of(2), new Uint8Array(100).fill(3), Uint8Array.of(4, 5)]
    const wire = wireOf(payloads, shift)
    assert.deepEqual(
      readIn(
        wire,
        Array.from(wire, (_, i) => i),
        shift,
      ),
      payloads,
    )
  })
  it('stay valid until the next feed, also those that straddled two reads', () => {
    const payloads = [new Uint8Array(50).fill(1), new Uint8Array(50).fill(2), new Uint8Array(50).fill(3)]
    const wire = wireOf(payloads)
    const incoming = new Incoming()
    incoming.feed(wire.slice(0, 70), 0, 70)
    const first = incoming.next()
    assert.equal(incoming.next(), undefined)
    assert.deepEqual(first, payloads[0])
    incoming.keep()
    incoming.feed(wire.slice(70, wire.length - 5), 0, wire.length - 75)
    const second = incoming.next()
    assert.equal(incoming.next(), undefined)
    incoming.keep()
    assert.deepEqual(second, payloads[1])
  })
  it('stay valid until the next feed in any split, while what carries them over is used again and again', () => {
    fc.assert(
      fc.property(payloadLists, cutLists, (payloads, cuts) => {
        const wire = wireOf(payloads, shift)
        const incoming = new Incoming()
        incoming.useKeys(shift, undefined, false)
        const read: Uint8Array[] = []
        const edges = [...new Set([0, ...cuts.map(cut => cut % (wire.length + 1)), wire.length])].sort((a, b) => a - b)
        for (let i = 1; i < edges.length; i++) {
          const buffer = wire.slice(edges[i - 1], edges[i])
          const views: Uint8Array[] = []
          incoming.feed(buffer, 0, buffer.length)
          for (let payload = incoming.next(); payload !== undefined; payload = incoming.next()) views.push(payload)
          incoming.keep()
          read.push(...views.map(view => view.slice()))
          buffer.fill(0xee)
        }
        assert.deepEqual(read, payloads)
      }),
    )
  })
  it('carry between 4 and 255 bytes of padding, to a multiple of the block', () => {
    for (let length = 1; length < 40; length++) {
      const wire = wireOf([new Uint8Array(length).fill(9)])
      assert.equal(wire.length % 8, 0)
      assert.ok(wire[4] >= 4 && wire[4] < 4 + 8, `padding ${wire[4]} for ${length}`)
    }
  })
  it('share buffers, and one larger than a buffer has its own', () => {
    const outgoing = new Outgoing(zeros, new BufferPool())
    for (let i = 0; i < 3; i++) outgoing.payload(new Uint8Array(20))
    const one = outgoing.take()
    assert.equal(outgoing.take(), undefined)
    assert.equal(one?.length, 3 * 32)
    assert.equal(outgoing.pending, 96)
    outgoing.release(one)
    assert.equal(outgoing.pending, 0)
    const big = new Uint8Array(200_000).fill(5)
    assert.deepEqual(readIn(wireOf([big, big]), []), [big, big])
  })
})

describe('packets that come in pieces', () => {
  const payloads = [10, 5000, 40_000, 66_000, 100_000].map((size, i) => new Uint8Array(size).fill(i + 1))

  it('stay as they are until they are done with, whatever comes to other connections', () => {
    const readers = Array.from({ length: 6 }, () => new Incoming())
    for (let round = 0; round < 3; round++) {
      for (const payload of payloads) {
        const wire = wireOf([payload])
        const views = readers.map(reader => {
          for (const [from, to] of [
            [0, wire.length >> 1],
            [wire.length >> 1, wire.length],
          ]) {
            reader.feed(wire.slice(from, to), 0, to - from)
            const view = reader.next()
            reader.keep()
            if (view !== undefined) return view
          }
          return assert.fail('the packet is whole')
        })
        for (const view of views) assert.deepEqual(view, payload)
        for (const reader of readers) reader.rest()
      }
    }
  })

  it('leave no buffer to the collector, time after time', () => {
    const reader = new Incoming()
    const wire = wireOf([new Uint8Array(60_000)])
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 50; i++) {
      reader.feed(wire.slice(0, 30_000), 0, 30_000)
      assert.equal(reader.next(), undefined)
      reader.keep()
      reader.feed(wire.slice(30_000), 0, wire.length - 30_000)
      const view = reader.next() ?? assert.fail('the packet is whole')
      buffers.add(view.buffer)
      reader.keep()
      reader.rest()
      assert.equal(reader.held, 0)
    }
    assert.equal(buffers.size, 1)
  })
})

describe('lengths', () => {
  const packet = (length: number, padding: number, total = length): Uint8Array => {
    const bytes = new Uint8Array(4 + total)
    new DataView(bytes.buffer).setUint32(0, length)
    bytes[4] = padding
    return bytes
  }
  const violates = (bytes: Uint8Array, violation: Violation): void => {
    const incoming = new Incoming()
    incoming.feed(bytes, 0, bytes.length)
    assert.throws(
      () => incoming.next(),
      (error: unknown) => error instanceof ProtocolError && error.violation === violation && error.sequence === 0,
    )
  }
  it('zero is too short', () => violates(packet(0, 0, 12), 'packet-too-short'))
  it('five is too short', () => violates(packet(5, 4, 12), 'packet-too-short'))
  it('more than the ceiling is too long, before a byte of it has come', () =>
    violates(packet(maximumPacketLength + 4, 4, 12), 'packet-too-long'))
  it('2^32 - 1 is too long', () => violates(packet(0xffffffff, 4, 12), 'packet-too-long'))
  it('the ceiling itself is not', () => {
    const bytes = packet(maximumPacketLength - 4, 4)
    const incoming = new Incoming()
    incoming.feed(bytes, 0, bytes.length)
    assert.equal(incoming.next()?.length, maximumPacketLength - 4 - 5)
  })
  it('must be a multiple of the block', () => violates(packet(13, 4), 'packet-misaligned'))
  it('three bytes of padding are too few', () => violates(packet(12, 3), 'padding-too-short'))
  it('padding beyond the packet is too much', () => violates(packet(12, 12), 'padding-too-long'))
  it('a payload has a byte at least', () => violates(packet(12, 11), 'payload-empty'))
  it('a wrong tag is a violation', () => {
    const wire = wireOf([Uint8Array.of(1, 2, 3)], shift)
    wire[wire.length - 1] ^= 1
    const incoming = new Incoming()
    incoming.useKeys(shift, undefined, false)
    incoming.feed(wire, 0, wire.length)
    assert.throws(
      () => incoming.next(),
      (error: unknown) => error instanceof ProtocolError && error.violation === 'integrity-check-failed' && error.reason === 'mac-error',
    )
  })
})

describe('sequence numbers', () => {
  it('count packets, and begin again only when told', () => {
    const outgoing = new Outgoing(zeros, new BufferPool())
    for (let i = 0; i < 5; i++) outgoing.payload(Uint8Array.of(1))
    assert.equal(outgoing.sequence, 5)
    outgoing.useKeys(shift, undefined, false)
    assert.equal(outgoing.sequence, 5)
    outgoing.useKeys(shift, undefined, true)
    assert.equal(outgoing.sequence, 0)
  })
  it('wrap to zero and say so', () => {
    const incoming = new Incoming()
    incoming.sequence = 0xffffffff
    const wire = wireOf([Uint8Array.of(1)])
    incoming.feed(wire, 0, wire.length)
    incoming.next()
    assert.equal(incoming.sequence, 0)
    assert.equal(incoming.wrapped, true)
    assert.equal(plainOpener.detached, false)
  })
})

describe('buffers', () => {
  it('are not written to while their bytes are on the way, whenever they come back', () => {
    const turns = fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 40_000 }), take: fc.boolean(), release: fc.boolean() }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(turns, steps => {
        const outgoing = new Outgoing(zeros, new BufferPool())
        const under: { readonly view: Uint8Array; readonly copy: Uint8Array }[] = []
        const back = (): void => {
          const next = under.shift()
          if (next === undefined) return
          assert.deepEqual(next.view, next.copy)
          outgoing.release(next.view)
        }
        steps.forEach(({ bytes, take, release }, step) => {
          outgoing.payload(new Uint8Array(bytes).fill(step + 1))
          const view = take ? outgoing.take() : undefined
          if (view !== undefined) under.push({ view, copy: view.slice() })
          if (release) back()
        })
        for (let view = outgoing.take(); view !== undefined; view = outgoing.take()) under.push({ view, copy: view.slice() })
        while (under.length > 0) back()
        assert.equal(outgoing.pending, 0)
      }),
    )
  })
  it('of bulk data serve for several writes, and go back to the pool when the last has left', () => {
    const pool = new BufferPool()
    const outgoing = new Outgoing(zeros, pool)
    const write = (): Uint8Array => {
      outgoing.payload(new Uint8Array(60_000))
      const taken = outgoing.take()
      assert.ok(taken)
      return taken
    }
    const [first, second, third] = [write(), write(), write()]
    assert.equal(second.buffer, first.buffer)
    assert.equal(third.buffer, first.buffer)
    outgoing.release(first)
    outgoing.release(third)
    assert.notEqual(pool.take().buffer, first.buffer)
    outgoing.release(second)
    assert.equal(pool.take().buffer, first.buffer)
  })
  it('of small messages are used again', () => {
    const pool = new BufferPool()
    const outgoing = new Outgoing(zeros, pool)
    outgoing.payload(Uint8Array.of(1))
    const first = outgoing.take()
    assert.ok(first)
    outgoing.release(first)
    assert.equal(pool.takeSmall().buffer, first.buffer)
  })
})

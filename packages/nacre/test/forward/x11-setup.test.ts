// The first bytes of an X11 connection, in both orders: read piece by piece, written with another cookie, refused; and what is none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WireError } from '../../src/errors.ts'
import { longestX11Setup, readX11Setup, writeX11Setup, x11Refusal } from '../../src/forward/x11-setup.ts'

const cookie = Uint8Array.from({ length: 16 }, (_, at) => at + 1)
const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replaceAll(/\s/g, '').match(/../g) ?? [], digits => Number.parseInt(digits, 16))
/** As libX11 sends it: the order, 11.0, lengths, the name padded to a multiple of four, the cookie. */
const little = hex('6c00 0b00 0000 1200 1000 0000 4d49542d4d414749432d434f4f4b49452d31 0000 0102030405060708090a0b0c0d0e0f10')
const big = hex('4200 000b 0000 0012 0010 0000 4d49542d4d414749432d434f4f4b49452d31 0000 0102030405060708090a0b0c0d0e0f10')

describe('a setup', () => {
  for (const [order, bytes, bigEndian] of [
    ['the least byte first', little, false],
    ['the greatest byte first', big, true],
  ] as const) {
    it(`is read with ${order}`, () => {
      const read = readX11Setup(Uint8Array.of(...bytes, 1, 2, 3))
      assert.deepEqual(read, { bigEndian, majorVersion: 11, minorVersion: 0, protocol: 'MIT-MAGIC-COOKIE-1', data: cookie, length: 48 })
    })

    it(`is not there until its last byte, with ${order}`, () => {
      for (let length = 0; length < bytes.length; length++) assert.equal(readX11Setup(bytes.subarray(0, length)), undefined, `${length}`)
    })

    it(`is written as it was read, with ${order}; or with another cookie`, () => {
      const read = readX11Setup(bytes)
      assert.ok(read !== undefined)
      assert.deepEqual(writeX11Setup(read, read), bytes)
      const other = { protocol: 'X', data: new Uint8Array([9, 9, 9]) }
      const again = readX11Setup(writeX11Setup(read, other))
      assert.deepEqual({ protocol: again?.protocol, data: again?.data, big: again?.bigEndian }, { ...other, big: bigEndian })
    })
  }

  it('may be without authentication', () => {
    const read = readX11Setup(hex('6c00 0b00 0000 0000 0000 0000'))
    assert.deepEqual({ protocol: read?.protocol, length: read?.length, data: read?.data.length }, { protocol: '', length: 12, data: 0 })
  })

  it('owns its bytes', () => {
    const bytes = little.slice()
    const read = readX11Setup(bytes)
    bytes.fill(0)
    assert.deepEqual(read?.data, cookie)
  })

  it('begins with an order of bytes, and is refused at once when not', () => {
    for (const first of [0, 0x41, 0x43, 0x4c, 0x62, 0x6d, 0xff]) assert.throws(() => readX11Setup(Uint8Array.of(first)), WireError)
  })

  it('has lengths that are bounded, before anything is waited for', () => {
    for (const header of ['6c00 0b00 0000 0101 0000 0000', '6c00 0b00 0000 0000 0110 0000', '4200 000b 0000 ffff ffff 0000'])
      assert.throws(() => readX11Setup(hex(header)), WireError)
    assert.equal(readX11Setup(hex('6c00 0b00 0000 0001 0010 0000')), undefined)
  })

  it('is whole within its longest, whatever it says', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 40 }), fc.boolean(), (bytes, bigEndian) => {
        const all = new Uint8Array(longestX11Setup)
        all.set(bytes)
        all[0] = bigEndian ? 0x42 : 0x6c
        try {
          assert.ok(readX11Setup(all) !== undefined)
        } catch (error) {
          assert.ok(error instanceof WireError)
        }
      }),
    )
  })

  it('comes back as it was written', () => {
    const name = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 256 }).map(codes => String.fromCharCode(...codes))
    fc.assert(
      fc.property(fc.boolean(), name, fc.uint8Array({ maxLength: 300 }), (bigEndian, protocol, data) => {
        const from = { bigEndian, majorVersion: 11, minorVersion: 7, protocol: '', data: new Uint8Array(0), length: 12 }
        const bytes = writeX11Setup(from, { protocol, data })
        const read = readX11Setup(bytes)
        assert.deepEqual({ ...read, data: [...(read?.data ?? [])] }, { ...from, protocol, data: [...data], length: bytes.length })
      }),
    )
  })
})

describe('a refusal', () => {
  it('is what X clients print: status 0, the length of the reason, 11.0, and how many words follow', () => {
    assert.deepEqual(x11Refusal({ bigEndian: false }, 'no way'), hex('00 06 0b00 0000 0200 6e6f20776179 0000'))
    assert.deepEqual(x11Refusal({ bigEndian: true }, 'no way'), hex('00 06 000b 0000 0002 6e6f20776179 0000'))
  })

  it('is cut where one byte cannot count it', () => {
    const long = x11Refusal({ bigEndian: true }, 'x'.repeat(1000))
    assert.equal(long[1], 255)
    assert.equal(long.length, 8 + 256)
  })
})

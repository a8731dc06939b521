// Owns the targets for X11: what a program at the far end begins with, what DISPLAY says, and what xauth lists. What is taken is
// bounded, comes back as it was written, and holds nothing that xauth or a shell would take for more.
import assert from 'node:assert/strict'
import { parseXauthList } from '../../packages/nacre/src/client/xauth-node.ts'
import { parseX11Display } from '../../packages/nacre/src/forward/x11-display.ts'
import { longestX11Setup, readX11Setup, writeX11Setup, x11Refusal } from '../../packages/nacre/src/forward/x11-setup.ts'
import { asciiBytes, type Target, textOf, unlessRefused, utf8Bytes } from '../rig/target.ts'

const cookie = { protocol: 'MIT-MAGIC-COOKIE-1', data: new Uint8Array(16).fill(7) }
const blank = { majorVersion: 11, minorVersion: 0, protocol: '', data: new Uint8Array(0), length: 0 }
const setups = [true, false].flatMap(bigEndian =>
  [cookie, { protocol: '', data: new Uint8Array(0) }].map(each => writeX11Setup({ ...blank, bigEndian }, each)),
)

const setup: Target = {
  name: 'x11-setup',
  about: 'the first bytes of an X11 connection: refused or read whole, the same by pieces, within bounds, and as they were written',
  words: [cookie.protocol, 'XDM-AUTHORIZATION-1', 'B\0', 'l\0', '\0\u000b', '\u000b\0', '\0\u0012', '\u0012\0', '\0\u0010', '\u0010\0'],
  seeds: () => setups,
  run: (input, note) => {
    const read = unlessRefused(() => readX11Setup(input), note)
    if (read === undefined) {
      // What is no setup at its end was none before, or not whole.
      for (let length = 0; length < Math.min(input.length, 64); length++)
        assert.equal(
          unlessRefused(() => readX11Setup(input.subarray(0, length)), note),
          undefined,
        )
      return
    }
    note('whole')
    assert.ok(read.length <= input.length && read.length <= longestX11Setup)
    for (const length of [0, 1, 11, read.length - 1]) assert.equal(readX11Setup(input.subarray(0, length)), undefined)
    assert.deepEqual(readX11Setup(input.subarray(0, read.length)), read)
    const again = readX11Setup(writeX11Setup(read, read))
    assert.deepEqual({ ...again, length: read.length }, read)
    const other = readX11Setup(writeX11Setup(read, cookie))
    assert.deepEqual({ protocol: other?.protocol, data: other?.data }, cookie)
    const refusal = x11Refusal(read, read.protocol)
    assert.equal(refusal[0], 0)
    assert.equal(refusal.length % 4, 0)
  },
}

const display: Target = {
  name: 'x11-display',
  about: 'DISPLAY: refused, or a place, with a name that xauth takes for one word and no option',
  words: ['unix:', ':', '.', 'localhost', '[::1]', '/tmp/x', ':0', '-f', ' ', '\n', '6000', '59535'],
  seeds: () => [':0', 'unix:0.1', 'host:10.0', 'localhost:10.0', '[::1]:3', '/private/tmp/x/org.xquartz:0'].map(asciiBytes),
  run: (input, note) => {
    const text = textOf(input)
    const read = unlessRefused(() => parseX11Display(text), note)
    if (read === undefined) return
    assert.doesNotMatch(read.authorityName, /[^\w:/.[\]-]|^-/)
    if ('path' in read.place) assert.match(read.place.path, /^\//)
    else assert.ok(read.place.port >= 6000 && read.place.port <= 65_535 && read.place.host !== '')
    assert.ok(Number.isInteger(read.screen) && read.screen >= 0 && read.screen < 2 ** 32)
  },
}

const listed: Target = {
  name: 'xauth-list',
  about: 'what xauth prints: nothing, or a protocol and a cookie of some bytes',
  words: ['MIT-MAGIC-COOKIE-1', '  ', '\n', '00ff', 'host/unix:0'],
  seeds: () => [utf8Bytes('host/unix:0  MIT-MAGIC-COOKIE-1  00112233445566778899aabbccddeeff\n')],
  run: (input, note) => {
    const read = parseXauthList(textOf(input))
    if (read === undefined) return
    note('found')
    assert.ok(read.data.length > 0 && read.data.length <= 4096)
    assert.match(read.protocol, /^\S+$/)
  },
}

export const x11Targets: readonly Target[] = [setup, display, listed]

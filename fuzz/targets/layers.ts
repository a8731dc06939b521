// Owns the targets below the engine: identification lines, the binary packet layer with each kind of cipher, compression, and
// text made safe to show. How the bytes are cut makes no difference, and everything that waits is bounded.
import assert from 'node:assert/strict'
import { aes128Ctr } from '../../packages/nacre/src/algorithms/cipher/aes-ctr.ts'
import { aes128Gcm } from '../../packages/nacre/src/algorithms/cipher/aes-gcm.ts'
import { chacha20Poly1305 } from '../../packages/nacre/src/algorithms/cipher/chacha20-poly1305.ts'
import { insecureTripleDesCbc } from '../../packages/nacre/src/algorithms/cipher/triple-des-cbc.ts'
import { zlib } from '../../packages/nacre/src/algorithms/compression/zlib.ts'
import { hmacSha2256, hmacSha2256Etm } from '../../packages/nacre/src/algorithms/mac/hmac.ts'
import { umac64Etm } from '../../packages/nacre/src/algorithms/mac/umac.ts'
import type { Cipher, Mac, Opener } from '../../packages/nacre/src/algorithms/rows.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import type { CryptoProvider } from '../../packages/nacre/src/crypto/provider.ts'
import { escapeForPeople, ProtocolError, WireError } from '../../packages/nacre/src/errors.ts'
import { sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { nullCrypto } from '../../packages/nacre/src/testing/null-crypto.ts'
import { parseTranscript, badEnd } from '../../packages/nacre/src/testing/transcript.ts'
import { IdentificationReader } from '../../packages/nacre/src/transport/identification.ts'
import { Incoming, maximumPacketLength } from '../../packages/nacre/src/transport/incoming.ts'
import { BufferPool, Outgoing } from '../../packages/nacre/src/transport/outgoing.ts'
import { createOpener, createSealer, plainOpener } from '../../packages/nacre/src/transport/protect.ts'
import { type Note, type Target, asciiBytes, textOf, unseen, utf8Bytes } from '../rig/target.ts'
import { transcripts } from '../rig/vectors.ts'

/** What `take` made of the input, however it ended: results of pieces, or the violation. */
const outcome = <T>(take: () => T): T | { readonly violation: string } => {
  try {
    return take()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    assert.ok(!unseen.test(error.message), `a message that garbles a terminal: ${JSON.stringify(error.message)}`)
    return { violation: error.violation }
  }
}

// ── identification ──────────────────────────────────────────────────────────────────────────────────────────────────

const identify = (role: 'client' | 'server', input: Uint8Array, size: number): unknown =>
  outcome(() => {
    const reader = new IdentificationReader(role)
    for (let at = 0; at < input.length; at += size) {
      const end = Math.min(input.length, at + size)
      const { used, identification } = reader.read(input, at, end)
      assert.ok(used >= 0 && used <= end - at)
      assert.ok(reader.linesBefore.length <= 100)
      if (identification === undefined) assert.equal(used, end - at)
      else return { used: at + used, identification, lines: reader.linesBefore }
    }
    return { waiting: reader.linesBefore }
  })

const identification = (role: 'client' | 'server'): Target => ({
  name: `identification-${role}`,
  about: `the first bytes a ${role} is sent: an identification or a violation, however they are cut`,
  words: ['SSH-2.0-', 'SSH-1.99-', 'SSH-1.5-', '\r\n', '\n', '\r', 'HTTP/1.1 400\r\n', ' comment', '-', '\0'],
  maximumLength: 10_000,
  seeds: () => ['SSH-2.0-OpenSSH_9.2p1 Debian\r\n', 'hello\r\nSSH-1.99-x\nmore', 'GET / HTTP/1.1\r\n'].map(asciiBytes),
  run: (input, note) => {
    const whole = identify(role, input, Math.max(1, input.length))
    for (const size of [1, 7]) assert.deepEqual(identify(role, input, size), whole)
    note(Object.keys(whole as object).join(' '))
    if (typeof whole === 'object' && whole !== null && 'violation' in whole) note(String(whole.violation))
  },
})

// ── packets ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Protection {
  readonly name: string
  readonly cipher: Cipher
  readonly mac?: Mac
}
const protections: readonly Protection[] = [
  { name: 'aes-gcm', cipher: aes128Gcm },
  { name: 'chacha20-poly1305', cipher: chacha20Poly1305 },
  { name: 'aes-ctr-hmac', cipher: aes128Ctr, mac: hmacSha2256 },
  { name: 'aes-ctr-hmac-etm', cipher: aes128Ctr, mac: hmacSha2256Etm },
  { name: '3des-cbc-umac-etm', cipher: insecureTripleDesCbc, mac: umac64Etm },
]
const keysFor = ({ cipher, mac }: Protection): { key: Uint8Array; iv: Uint8Array; macKey: Uint8Array } => ({
  key: new Uint8Array(cipher.keyBytes).fill(1),
  iv: new Uint8Array(cipher.ivBytes).fill(2),
  macKey: new Uint8Array(mac?.keyBytes ?? 0).fill(3),
})
const openerFor = (crypto: CryptoProvider, each: Protection): Opener => createOpener(crypto, each.cipher, each.mac, keysFor(each))

/** The payloads in `input` when it comes in pieces of `size`, and how it ended. */
const opened = (opener: Opener, input: Uint8Array, size: number): { readonly payloads: readonly Uint8Array[]; readonly end: unknown } => {
  const incoming = new Incoming()
  incoming.useKeys(opener, undefined, true)
  const payloads: Uint8Array[] = []
  const end = outcome(() => {
    for (let at = 0; at < input.length; at += size) {
      const piece = input.slice(at, at + size)
      incoming.feed(piece, 0, piece.length)
      for (let payload = incoming.next(); payload !== undefined; payload = incoming.next()) {
        assert.ok(payload.length > 0 && payload.length <= maximumPacketLength)
        payloads.push(payload.slice())
      }
      incoming.keep()
      assert.ok(incoming.held <= 4 + maximumPacketLength + opener.tagBytes, `${incoming.held} bytes are held`)
      // The network's buffer is used again: who kept a view of it reads rubbish.
      piece.fill(0xee)
    }
    return { sequence: incoming.sequence, held: incoming.held }
  })
  return { payloads, end }
}

const sealed = (crypto: CryptoProvider, each: Protection | undefined, payloads: readonly Uint8Array[]): Uint8Array => {
  const outgoing = new Outgoing(bytes => void bytes.fill(9), new BufferPool())
  if (each !== undefined) outgoing.useKeys(createSealer(crypto, each.cipher, each.mac, keysFor(each)), undefined, true)
  for (const payload of payloads) outgoing.payload(payload)
  const parts: number[] = []
  for (let buffer = outgoing.take(); buffer !== undefined; buffer = outgoing.take()) parts.push(...buffer)
  return Uint8Array.from(parts)
}

const checkCuts = (open: () => Opener, input: Uint8Array, note: Note): readonly Uint8Array[] => {
  const whole = opened(open(), input, Math.max(1, input.length))
  const size = 1 + ((input[input.length - 1] ?? 0) % 40)
  for (const pieces of [1, size]) assert.deepEqual(opened(open(), input, pieces), whole)
  note(`${Math.min(whole.payloads.length, 4)} ${JSON.stringify(whole.end).replaceAll(/\d+/g, '')}`)
  return whole.payloads
}

const samplePayloads = [Uint8Array.of(2), new Uint8Array(30).fill(5), Uint8Array.of(5, 0, 0, 0, 1, 97), new Uint8Array(300).fill(6)]

/** Without cryptography: tags are zeros, so that any length and padding can be tried. */
const packetLayer = (each: Protection | undefined): Target => ({
  name: `packet-layer-${each?.name ?? 'plain'}`,
  about: 'packets: lengths, padding and tags, without cryptography; the same however they are cut, and held within bounds',
  seeds: () => [sealed(nullCrypto, each, samplePayloads), sealed(nullCrypto, each, [samplePayloads[0]])],
  run: (input, note) => void checkCuts(() => (each === undefined ? plainOpener : openerFor(nullCrypto, each)), input, note),
})

const node = nodeCrypto()

/** With real cryptography, and up to eight changes on the way: place (2 bytes) and difference. */
const sealedStream = (each: Protection): Target => {
  const stream = sealed(node, each, samplePayloads)
  return {
    name: `sealed-${each.name}`,
    about: 'packets changed on the way, with real cryptography: nothing gets through but what was sent, in order, up to the change',
    maximumLength: 24,
    seeds: () => [Uint8Array.of(0, 3, 1), Uint8Array.of(0, 4, 0x80), Uint8Array.of(0, 40, 1, 1, 0, 2)],
    run: (input, note) => {
      const changed = stream.slice()
      for (let at = 0; at + 2 < input.length; at += 3) changed[((input[at] << 8) | input[at + 1]) % changed.length] ^= input[at + 2]
      const first = changed.findIndex((byte, index) => byte !== stream[index])
      const payloads = checkCuts(() => openerFor(node, each), changed, note)
      payloads.forEach((payload, index) => assert.ok(sameBlob(payload, samplePayloads[index]), 'a payload that was never sent'))
      if (first >= 0) assert.ok(payloads.length < samplePayloads.length, 'a change went unnoticed')
    },
  }
}

// ── compression ─────────────────────────────────────────────────────────────────────────────────────────────────────

const inflateLimit = 50_000

const inflate: Target = {
  name: 'inflate',
  about: 'damaged zlib streams over several packets: refused, and never more than the limit',
  seeds: () => {
    const compressor = zlib.createCompressor()
    return [new Uint8Array(100).fill(1), utf8Bytes('to be or not to be'), new Uint8Array(30_000)].map(each => compressor.compress(each))
  },
  run: (input, note) => {
    const decompressor = zlib.createDecompressor()
    try {
      for (let at = 0; at < input.length; at += 700) {
        const inflated = decompressor.decompress(input.subarray(at, at + 700), inflateLimit)
        assert.ok(inflated.length <= inflateLimit)
      }
      note('inflated')
    } catch (error) {
      if (!(error instanceof WireError) && (error as { code?: string }).code !== 'INFLATED_TOO_LARGE') throw error
    }
  },
}

const deflate: Target = {
  name: 'deflate',
  about: 'what was compressed packet by packet is the same again, packet by packet',
  maximumLength: 2000,
  seeds: () => [utf8Bytes('to be or not to be'), new Uint8Array(1000)],
  run: input => {
    const compressor = zlib.createCompressor()
    const decompressor = zlib.createDecompressor()
    const size = 20 + (input[0] ?? 0) * 8
    for (let at = 0; at < input.length; at += size) {
      const packet = input.slice(at, at + size)
      assert.ok(sameBlob(decompressor.decompress(compressor.compress(packet), packet.length), packet))
    }
  },
}

// ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const escape: Target = {
  name: 'escape-for-people',
  about: 'text from a peer: what is shown holds nothing that cannot be seen, and different texts are shown differently',
  words: [
    '\x1b[31m',
    '\u202e',
    '\u200b',
    '\ufeff',
    '\u2028',
    '\\x1b',
    '\\u{202e}',
    '\u{e0001}',
    '\u00ad',
    '\u034f',
    '\u3164',
    '\ufe0f',
    '\r\n',
    '\t',
  ],
  seeds: () => ['plain', '\x1b]0;title\x07', 'a\u202eb', '\\', 'é'].map(utf8Bytes),
  run: input => {
    for (const text of [textOf(input), String.fromCharCode(...new Uint16Array(input.slice(0, input.length & ~1).buffer))]) {
      const shown = escapeForPeople(text, { limit: 100_000 })
      assert.ok(!unseen.test(shown), `${JSON.stringify(shown)} holds what nobody sees`)
      const back = shown.replaceAll(/\\(\\|x([0-9a-f]{2})|u\{([0-9a-f]+)\})/g, (_, one: string, byte?: string, code?: string) =>
        one === '\\' ? '\\' : String.fromCodePoint(Number.parseInt(byte ?? code ?? '', 16)),
      )
      assert.equal(back, text, 'two texts are shown alike')
      assert.ok(!unseen.test(escapeForPeople(text, { lines: true }).replaceAll(/[\n\t]/g, '')))
      assert.ok([...escapeForPeople(text, { limit: 10 })].length <= 10 * '\\u{10ffff}'.length + 1)
    }
  },
}

const transcript: Target = {
  name: 'transcript',
  about: 'files of recorded conversations: TypeError for what is none',
  words: ['"transcript":1', '"payload":"', '"event":"ended"', '"wire":{', '{', '}', 'null', '[', '"', '\n'],
  maximumLength: 8000,
  seeds: () =>
    [...transcripts().slice(0, 4), '{"transcript":1}\n', '{"transcript":1}\n{"payload":"AQ==","number":1,"direction":"sent"}'].map(
      utf8Bytes,
    ),
  run: input => {
    try {
      badEnd(parseTranscript(textOf(input)))
    } catch (error) {
      if (!(error instanceof TypeError) || !/transcript/.test(error.message)) throw error
    }
  },
}

export const layerTargets: readonly Target[] = [
  identification('client'),
  identification('server'),
  packetLayer(undefined),
  ...protections.map(packetLayer),
  ...protections.map(sealedStream),
  inflate,
  deflate,
  escape,
  transcript,
]

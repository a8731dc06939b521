// Specifies the accelerator: that it is found, tested before use and can be switched off; that it trusts no offset and no
// argument; that disposed keys are of no use; that both forms of each cipher give the same bytes. Skipped when not built.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { aes128Gcm, aes256Gcm } from '../../src/algorithms/cipher/aes-gcm.ts'
import { aes256Ctr } from '../../src/algorithms/cipher/aes-ctr.ts'
import { chacha20Poly1305 } from '../../src/algorithms/cipher/chacha20-poly1305.ts'
import { hmacSha2256Etm, hmacSha2512 } from '../../src/algorithms/mac/hmac.ts'
import type { NativeModule } from '../../src/crypto/node/native-module.ts'
import { nativeSelfTest } from '../../src/crypto/node/native-self-test.ts'
import { searchNative } from '../../src/crypto/node/native.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { ProtocolError } from '../../src/errors.ts'
import { Incoming } from '../../src/transport/incoming.ts'
import { BufferPool, Outgoing } from '../../src/transport/outgoing.ts'
import { createOpener, createSealer } from '../../src/transport/protect.ts'
import { patterned } from './bytes.ts'

const load = (): unknown => createRequire(import.meta.url)('@nacre/native')
const { module: found, fault } = searchNative(load, {})
const when = found === undefined ? { skip: `the accelerator is not in use: ${fault}` } : {}
const native = found as NativeModule

const pure = nodeCrypto({ native: false })
const accelerated = nodeCrypto()

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof Error && (error as NodeJS.ErrnoException).code === code

describe('finding the accelerator', () => {
  test('one that is not installed is no error, and says so', () => {
    const missing = searchNative(() => createRequire(import.meta.url)('@nacre/not-there'), {})
    assert.deepEqual(missing, { fault: '@nacre/native is not installed, or not built.' })
  })
  test('one that cannot be loaded gives the reason, on one line', () => {
    const refused = (): never => {
      throw new Error('undefined symbol: EVP_CipherUpdate\nRequire stack: …')
    }
    assert.deepEqual(searchNative(refused, {}), { fault: 'undefined symbol: EVP_CipherUpdate' })
  })
  test('NACRE_NATIVE=0 keeps it from being loaded at all', () => {
    const never = (): never => assert.fail('loaded')
    assert.match(searchNative(never, { NACRE_NATIVE: '0' }).fault ?? '', /NACRE_NATIVE=0/)
  })
  test('one that is something else, or computes something else, is not used', when, () => {
    assert.match(searchNative(() => ({}), {}).fault ?? '', /fails its self-test/)
    class Blind extends native.ChaChaPoly {
      override open(): boolean {
        return true
      }
    }
    assert.equal(nativeSelfTest(native), undefined)
    assert.equal(nativeSelfTest({ ...native, ChaChaPoly: Blind }), 'ChaCha20-Poly1305 gives a wrong answer')
    const swapped = {
      ...native,
      Ctr: class extends native.Ctr {
        override process(): void {}
      },
    }
    assert.equal(nativeSelfTest(swapped), 'AES-CTR gives a wrong answer')
  })
})

describe('arguments of the accelerator', when, () => {
  const nonce = new Uint8Array(12)
  const bytes = new Uint8Array(100)
  const key = patterned(64, 1)

  const outside: readonly (readonly [number, number, number])[] = [
    [0, 4, 85],
    [0, 4, 101],
    [0, 4, 2 ** 31],
    [0, 4, 2 ** 32 + 20],
    [0, 4, 2 ** 53],
    [0, 4, Number.POSITIVE_INFINITY],
    [0, 4, -1],
    [-1, 4, 20],
    [-(2 ** 40), 4, 20],
    [0, -4, 20],
    [8, 4, 20],
    [0, 30, 20],
    [101, 101, 101],
  ]
  test('offsets outside of the array, or the tag’s room, are refused and nothing is touched', () => {
    const sealing = new native.Gcm(key.subarray(0, 16), true)
    const opening = new native.Gcm(key.subarray(0, 16), false)
    const chacha = new native.ChaChaPoly(key)
    const ctr = new native.Ctr(key.subarray(0, 16), key.subarray(0, 16))
    for (const [aadStart, start, end] of outside) {
      assert.throws(
        () => sealing.seal(nonce, bytes, aadStart, start, end),
        hasCode('ERR_NACRE_NATIVE_BOUNDS'),
        `${aadStart} ${start} ${end}`,
      )
      assert.throws(() => opening.open(nonce, bytes, aadStart, start, end), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
    }
    for (const [start, end] of [
      [0, 85],
      [0, 3],
      [-1, 40],
      [40, 20],
      [0, 2 ** 32 + 40],
      [2 ** 33, 2 ** 33 + 40],
    ] as const) {
      assert.throws(() => chacha.seal(0, bytes, start, end), hasCode('ERR_NACRE_NATIVE_BOUNDS'), `${start} ${end}`)
      assert.throws(() => chacha.open(0, bytes, start, end), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
    }
    for (const [start, end] of [
      [0, 101],
      [-1, 4],
      [5, 4],
      [2 ** 32, 2 ** 32 + 4],
    ] as const) {
      assert.throws(() => ctr.process(bytes, start, end), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
      assert.throws(() => chacha.chacha(0, 0, 0, bytes, start, end), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
    }
    assert.ok(bytes.every(byte => byte === 0))
  })

  test('a view is bounded by itself, not by the memory below it', () => {
    const memory = new Uint8Array(1000)
    const view = memory.subarray(100, 140)
    new native.Gcm(key.subarray(0, 16), true).seal(nonce, view, 0, 4, 24)
    assert.throws(() => new native.Gcm(key.subarray(0, 16), true).seal(nonce, view, 0, 4, 25), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
    assert.ok(memory.subarray(0, 100).every(byte => byte === 0) && memory.subarray(140).every(byte => byte === 0))
    memory.buffer.transfer(0)
    assert.throws(
      () => new native.Gcm(key.subarray(0, 16), true).seal(nonce, view, 0, 4, 24),
      hasCode('ERR_NACRE_NATIVE_BOUNDS'),
      'detached',
    )
  })

  test('anything but the right kinds of values is a TypeError', () => {
    const gcm = new native.Gcm(key.subarray(0, 16), true)
    const wrong: readonly (() => unknown)[] = [
      () => gcm.seal(nonce, new Uint16Array(50) as never, 0, 4, 20),
      () => gcm.seal(nonce, [] as never, 0, 4, 20),
      () => gcm.seal(nonce, bytes, '0' as never, 4, 20),
      () => gcm.seal(nonce.subarray(1), bytes, 0, 4, 20),
      () => (gcm.seal as () => void)(),
      () => (gcm.seal as (...more: unknown[]) => void).call({}, nonce, bytes, 0, 4, 20),
      () => (native.ChaChaPoly.prototype.seal as (...more: unknown[]) => void).call(gcm, 0, bytes, 0, 20),
      () => gcm.open(nonce, bytes, 0, 4, 20),
      () => new native.Gcm(patterned(24), true),
      () => new native.Gcm(key.subarray(0, 16), undefined as never),
      () => new native.ChaChaPoly(patterned(32)),
      () => new native.Ctr(patterned(16), patterned(12)),
      () => new native.Ctr(patterned(20), patterned(16)),
      () => new native.ChaChaPoly(key).chacha(2 as never, 0, 0, bytes, 0, 4),
      () => (native.Gcm as unknown as (...more: unknown[]) => void)(key, true),
      () => new native.Hmac(7 as never, key),
    ]
    wrong.forEach((act, i) => assert.throws(act, TypeError, `case ${i}`))
    assert.throws(() => new native.Hmac('no-such-hash', key), hasCode('ERR_NACRE_NATIVE_CIPHER'))
    assert.throws(() => new native.Hmac('sha256', key).digest(bytes, bytes, new Uint8Array(31)), hasCode('ERR_NACRE_NATIVE_BOUNDS'))
  })

  test('a disposed key is of no use, and disposing twice is nothing', () => {
    const gcm = new native.Gcm(key.subarray(0, 16), true)
    const chacha = new native.ChaChaPoly(key)
    const ctr = new native.Ctr(key.subarray(0, 32), key.subarray(0, 16))
    const hmac = new native.Hmac('sha256', key)
    for (const each of [gcm, chacha, ctr, hmac, gcm, chacha, ctr, hmac]) each.dispose()
    assert.throws(() => gcm.seal(nonce, bytes, 0, 4, 20), hasCode('ERR_NACRE_NATIVE_DISPOSED'))
    assert.throws(() => chacha.seal(0, bytes, 0, 20), hasCode('ERR_NACRE_NATIVE_DISPOSED'))
    assert.throws(() => chacha.chacha(0, 0, 0, bytes, 0, 20), hasCode('ERR_NACRE_NATIVE_DISPOSED'))
    assert.throws(() => ctr.process(bytes, 0, 16), hasCode('ERR_NACRE_NATIVE_DISPOSED'))
    assert.throws(() => hmac.digest(bytes, bytes, new Uint8Array(32)), hasCode('ERR_NACRE_NATIVE_DISPOSED'))
  })

  test('what a wrong tag made of a packet is overwritten, and the key goes on', () => {
    const sealed = patterned(100, 3)
    new native.Gcm(key.subarray(0, 16), true).seal(nonce, sealed, 0, 4, 84)
    const opening = new native.Gcm(key.subarray(0, 16), false)
    const touched = sealed.slice()
    touched[90] ^= 4
    assert.equal(opening.open(nonce, touched, 0, 4, 84), false)
    assert.ok(touched.subarray(4, 84).every(byte => byte === 0))
    assert.equal(opening.open(nonce, sealed, 0, 4, 84), true)
    assert.deepEqual(sealed.subarray(0, 84), patterned(100, 3).subarray(0, 84))
  })

  test('keys are the caller’s again after the call: nothing looks at them later', () => {
    const given = key.slice()
    const [kept, emptied] = [new native.ChaChaPoly(key), new native.ChaChaPoly(given)]
    given.fill(0)
    const [left, right] = [patterned(60, 1), patterned(60, 1)]
    kept.seal(9, left, 0, 44)
    emptied.seal(9, right, 0, 44)
    assert.deepEqual(left, right)
  })

  test('threads load it each for itself, and end with keys alive', async () => {
    const path = createRequire(import.meta.url).resolve('@nacre/native')
    const source = `const native = require(${JSON.stringify(path)})
      globalThis.kept = Array.from({ length: 50 }, () => new native.ChaChaPoly(new Uint8Array(64)))
      const bytes = new Uint8Array(36)
      globalThis.kept[0].seal(0, bytes, 0, 20)
      require('node:worker_threads').parentPort.postMessage(bytes)`
    const answers = [1, 2].map(
      () =>
        new Promise<Uint8Array>((resolve, reject) => {
          let said: Uint8Array | undefined
          new Worker(source, { eval: true })
            .on('message', (bytes: Uint8Array) => (said = bytes))
            .on('error', reject)
            .on('exit', () => (said === undefined ? reject(new Error('it said nothing')) : resolve(said)))
        }),
    )
    const expected = new Uint8Array(36)
    new native.ChaChaPoly(new Uint8Array(64)).seal(0, expected, 0, 20)
    for (const answer of await Promise.all(answers)) assert.deepEqual(answer, expected)
  })
})

describe('who is at the other end of a socket', when, () => {
  const peerUid = (descriptor: unknown): unknown => (native.peerUid as (descriptor: unknown) => unknown)(descriptor)
  const windows = process.platform === 'win32' ? { skip: 'Windows has no such sockets' } : {}

  test('of a local one, the user whose process connected', windows, () => {
    const source = `const net = require('node:net')
      const path = process.argv[1]
      const server = net.createServer(socket => {
        process.stdout.write(String(require(process.argv[2]).peerUid(socket._handle.fd)) + ' ' + process.getuid())
        process.exit()
      }).listen(path, () => net.connect(path))`
    const folder = mkdtempSync(join(tmpdir(), 'nacre-peer-'))
    try {
      const path = createRequire(import.meta.url).resolve('@nacre/native')
      const said = execFileSync(process.execPath, ['-e', source, join(folder, 'socket'), path], { encoding: 'utf8' })
      const [peer, own] = said.split(' ')
      assert.equal(peer, own)
      assert.match(own, /^\d+$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
  test('of what is no socket, nobody', () => {
    const descriptor = openSync(import.meta.filename, 'r')
    try {
      assert.equal(peerUid(descriptor), undefined)
    } finally {
      closeSync(descriptor)
    }
    assert.equal(peerUid(2 ** 31 - 1), undefined)
  })
  test('of what is no descriptor is an error', () => {
    for (const wrong of [-1, 1.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY, '0', undefined, null, {}, 0n])
      assert.throws(() => peerUid(wrong), hasCode('ERR_NACRE_NATIVE_ARGUMENT'), String(wrong))
  })
})

describe('packets sealed by one form and opened by the other', when, () => {
  const zeros = (bytes: Uint8Array): void => void bytes.fill(0)
  const combinations = [
    { cipher: aes128Gcm, mac: undefined },
    { cipher: aes256Gcm, mac: undefined },
    { cipher: chacha20Poly1305, mac: undefined },
    { cipher: aes256Ctr, mac: hmacSha2256Etm },
    { cipher: aes256Ctr, mac: hmacSha2512 },
  ]
  const keysOf = ({ cipher, mac }: (typeof combinations)[number], seed: number) => ({
    key: patterned(cipher.keyBytes, seed),
    iv: patterned(cipher.ivBytes, seed + 1),
    macKey: patterned(mac?.keyBytes ?? 0, seed + 2),
  })
  const payloads = [1, 2, 50, 255, 1000, 4095, 4096, 32_768, 100_000].map(size => patterned(size, size))

  for (const combination of combinations) {
    for (const [from, to] of [
      [pure, accelerated],
      [accelerated, pure],
      [accelerated, accelerated],
    ] as const) {
      const name = `${combination.cipher.name}${combination.mac === undefined ? '' : ` with ${combination.mac.name}`}`
      test(`${name}, ${from.name} to ${to.name}: across new keys, in any split, past 2^32 packets`, () => {
        const { cipher, mac } = combination
        const outgoing = new Outgoing(zeros, new BufferPool())
        const incoming = new Incoming()
        outgoing.sequence = incoming.sequence = 0xffffffff - 3
        for (const seed of [1, 10]) {
          const keys = keysOf(combination, seed)
          outgoing.useKeys(createSealer(from, cipher, mac, keys), undefined, false)
          incoming.useKeys(createOpener(to, cipher, mac, keys), undefined, false)
          for (const payload of payloads) outgoing.payload(payload)
          const parts: Uint8Array[] = []
          for (let part = outgoing.take(); part !== undefined; part = outgoing.take()) parts.push(part.slice())
          const wire = new Uint8Array(Buffer.concat(parts))
          const read: Uint8Array[] = []
          for (let at = 0, step = 1; at < wire.length; at += step, step = (step * 7) % 30_011) {
            const piece = wire.slice(at, at + step)
            incoming.feed(piece, 0, piece.length)
            for (let payload = incoming.next(); payload !== undefined; payload = incoming.next()) read.push(payload.slice())
            incoming.keep()
          }
          assert.equal(read.length, payloads.length)
          read.forEach((payload, i) => assert.deepEqual(payload, payloads[i]))
        }
        assert.equal(incoming.sequence, 2 * payloads.length - 4)
        assert.ok(incoming.wrapped)
      })
    }

    test(`${combination.cipher.name}: a packet touched anywhere is the same violation in both`, () => {
      const { cipher, mac } = combination
      const keys = keysOf(combination, 5)
      const outgoing = new Outgoing(zeros, new BufferPool())
      outgoing.useKeys(createSealer(pure, cipher, mac, keys), undefined, false)
      outgoing.payload(patterned(200, 1))
      const wire = (outgoing.take() as Uint8Array).slice()
      for (let at = 0; at < wire.length; at++) {
        const verdicts = [pure, accelerated].map(crypto => {
          const incoming = new Incoming()
          incoming.useKeys(createOpener(crypto, cipher, mac, keys), undefined, false)
          const touched = wire.slice()
          touched[at] ^= 0x20
          incoming.feed(touched, 0, touched.length)
          try {
            return incoming.next() === undefined ? 'waits for more' : 'taken'
          } catch (error) {
            return error instanceof ProtocolError ? error.violation : String(error)
          }
        })
        assert.equal(verdicts[0], verdicts[1], `byte ${at}`)
        assert.notEqual(verdicts[0], 'taken', `byte ${at}`)
      }
    })
  }

  test('keys that were replaced are disposed of', () => {
    const disposed: string[] = []
    const [outgoing, incoming] = [new Outgoing(zeros, new BufferPool()), new Incoming()]
    const keys = keysOf(combinations[0], 1)
    for (const name of ['first', 'second']) {
      const sealer = createSealer(accelerated, aes128Gcm, undefined, keys)
      const opener = createOpener(accelerated, aes128Gcm, undefined, keys)
      outgoing.useKeys(Object.assign(sealer, { dispose: () => void disposed.push(`${name} sealer`) }), undefined, false)
      incoming.useKeys(Object.assign(opener, { dispose: () => void disposed.push(`${name} opener`) }), undefined, false)
    }
    assert.deepEqual(disposed, ['first sealer', 'first opener'])
  })
})

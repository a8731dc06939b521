// Specifies OpenSSH's ChaCha20 and Poly1305 in all forms nacre has: WebAssembly, TypeScript, and Node's. All give the same
// bytes as OpenSSL's two primitives combined by the draft, and all refuse whatever was touched.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { poly1305, pureChaChaPoly } from '../../src/crypto/chacha-poly-pure.ts'
import { wasmChaChaPoly } from '../../src/crypto/chacha-poly-wasm.ts'
import { chaChaPoly } from '../../src/crypto/chacha-poly.ts'
import { nodeChaChaPoly } from '../../src/crypto/node/chacha.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import type { ChaChaPoly } from '../../src/crypto/provider.ts'
import { sourceSha256 } from '../../src/crypto/wasm/chacha-poly-binary.ts'
import { notIn } from '../runtime.ts'
import { ascii, digest, hex, patterned, primitiveVectors, sameBytes, toHex } from './bytes.ts'

const key = patterned(64, 100)

const inWasm = (): ChaChaPoly => {
  const made = wasmChaChaPoly(key)
  assert.ok(made, 'this Node runs WebAssembly')
  return made
}
const forms: Record<string, ChaChaPoly> = {
  pure: pureChaChaPoly(key),
  wasm: inWasm(),
  node: nodeChaChaPoly(key),
  'of any runtime': chaChaPoly(key),
  'of the Node provider, accelerated where the accelerator is built': nodeCrypto().chachaPoly(key, 'seal'),
}

const sequenceOf = (size: number): number => Math.imul(size, 16777619) >>> 0

/** The plaintext of `size` bytes after its length, in a buffer with room before it and for the tag behind it. */
const frame = (size: number, before: number): Uint8Array => {
  const bytes = new Uint8Array(before + 4 + size + 16)
  bytes.set(patterned(4 + size, size), before)
  return bytes
}

for (const [form, primitive] of Object.entries(forms)) {
  describe(`ChaCha20 and Poly1305, ${form}`, () => {
    test('sealing gives the bytes of the draft, whatever the size and the offset', () => {
      for (const [text, expected] of Object.entries(primitiveVectors().chachaPoly)) {
        const size = Number(text)
        for (const before of size > 4096 ? [5] : [0, 5]) {
          const bytes = frame(size, before)
          primitive.seal(sequenceOf(size), bytes, before, before + 4 + size)
          assert.equal(digest(bytes.subarray(before)), expected, `${size} bytes at ${before}`)
        }
      }
    })

    test('opening gives back what was sealed, at every size of the vectors', () => {
      for (const text of Object.keys(primitiveVectors().chachaPoly)) {
        const size = Number(text)
        const bytes = frame(size, 3)
        const packet = bytes.slice(3 + 4, 3 + 4 + size)
        primitive.seal(sequenceOf(size), bytes, 3, 3 + 4 + size)
        const opened = primitive.open(sequenceOf(size), bytes, 3, 3 + 4 + size)
        assert.ok(sameBytes(opened, packet), `${size} bytes`)
        assert.equal(opened?.buffer !== bytes.buffer, primitive.detached, 'detached says whether the result is a view')
      }
    })

    test('the length alone can be read first, without touching the packet', () => {
      const bytes = frame(40, 0)
      const length = bytes.slice(0, 4)
      primitive.seal(7, bytes, 0, 44)
      const scratch = bytes.slice(0, 4)
      primitive.chacha(1, 7, 0, scratch, 0, 4)
      assert.deepEqual(scratch, length)
    })

    test('a bit changed in length, packet or tag is refused, and so is another sequence number', () => {
      for (const size of [16, 300, 5000]) {
        const sealed = frame(size, 0)
        primitive.seal(9, sealed, 0, 4 + size)
        for (const at of [0, 3, 4, 4 + (size >> 1), 3 + size, 4 + size, 4 + size + 7, 4 + size + 8, 4 + size + 15]) {
          const touched = sealed.slice()
          touched[at] ^= 0x80
          assert.equal(primitive.open(9, touched, 0, 4 + size), undefined, `byte ${at} of ${size}`)
        }
        assert.equal(primitive.open(10, sealed.slice(), 0, 4 + size), undefined)
        assert.ok(primitive.open(9, sealed, 0, 4 + size), 'untouched it opens')
      }
    })

    test('two keys in turn do not mix: the shared memory carries nothing over', () => {
      const other = form === 'pure' ? pureChaChaPoly(patterned(64, 101)) : nodeChaChaPoly(patterned(64, 101))
      const expected = primitiveVectors().chachaPoly['300']
      for (let round = 0; round < 3; round++) {
        const mine = frame(300, 0)
        const theirs = frame(5000, 0)
        other.seal(1, theirs, 0, 5004)
        primitive.seal(sequenceOf(300), mine, 0, 304)
        assert.ok(other.open(1, theirs, 0, 5004))
        assert.equal(digest(mine), expected)
      }
    })
  })
}

describe('Poly1305 in TypeScript', () => {
  const tagOf = (oneTimeKey: Uint8Array, message: Uint8Array): string => {
    const tag = new Uint8Array(16)
    poly1305(oneTimeKey, message, 0, message.length, tag)
    return toHex(tag)
  }

  test('RFC 8439 §2.5.2', () => {
    const oneTimeKey = hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
    assert.equal(tagOf(oneTimeKey, ascii('Cryptographic Forum Research Group')), 'a8061dc1305136c6c22b8baf0c0127a9')
  })

  test('RFC 8439 §A.3: sums at the edges of 2^130 - 5 and of 2^128', () => {
    const clamped = (r: string, s = ''): Uint8Array => hex(r.padEnd(32, '0') + s.padEnd(32, '0'))
    const ones = 'ff'.repeat(16)
    assert.equal(tagOf(clamped('02'), hex(ones)), '03'.padEnd(32, '0'), 'vector 7')
    assert.equal(tagOf(clamped('02', ones), hex('02'.padEnd(32, '0'))), '03'.padEnd(32, '0'), 'vector 8')
    assert.equal(tagOf(clamped('01'), hex(`${ones} f0${'ff'.repeat(15)} 11${'00'.repeat(15)}`)), '05'.padEnd(32, '0'), 'vector 9')
    assert.equal(tagOf(clamped('01'), hex(`${ones} fb${'fe'.repeat(15)} ${'01'.repeat(16)}`)), '0'.repeat(32), 'vector 10')
    assert.equal(tagOf(clamped('02'), hex(`fd${'ff'.repeat(15)}`)), `fa${'ff'.repeat(15)}`, 'vector 11')
    const twelfth =
      'e33594d7505e43b900000000000000003394d7505e4379cd01000000000000000000000000000000000000000000000001000000000000000000000000000000'
    assert.equal(
      tagOf(clamped('0100000000000000 0400000000000000'.replace(' ', '')), hex(twelfth)),
      '14000000000000005500000000000000',
      'vector 12',
    )
    assert.equal(tagOf(clamped('01000000000000000400000000000000'), hex(twelfth.slice(0, 96))), '13'.padEnd(32, '0'), 'vector 13')
  })
})

const noFresh = notIn(['Bun', 'the web'], 'a module is loaded once, whatever its query')

test('without WebAssembly, and where it is forbidden, there is no such form and no error', { skip: noFresh }, async () => {
  const runtime = globalThis as { WebAssembly?: unknown }
  const original = runtime.WebAssembly
  const forbidden = {
    Module: function () {
      throw new Error('refused by a content security policy')
    },
  }
  for (const [i, replacement] of [undefined, forbidden].entries()) {
    // A fresh copy of the module, which has made no instance yet.
    const module = new URL(`../../src/crypto/chacha-poly-wasm.ts?fresh=${i}`, import.meta.url).href
    const fresh = (await import(module)) as { wasmChaChaPoly: typeof wasmChaChaPoly }
    runtime.WebAssembly = replacement
    try {
      assert.equal(fresh.wasmChaChaPoly(key), undefined)
    } finally {
      runtime.WebAssembly = original
    }
    assert.equal(fresh.wasmChaChaPoly(key), undefined, 'it is tried once')
  }
})

test('the WebAssembly was compiled from the source beside it', () => {
  const source = readFileSync(new URL('../../src/crypto/wasm/chacha-poly.as', import.meta.url))
  assert.equal(createHash('sha256').update(source).digest('hex'), sourceSha256, 'run `npx node tools/build-wasm.ts`')
})

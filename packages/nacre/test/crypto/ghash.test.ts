// Specifies GHASH in WebAssembly: the values of the GCM specification, and those of its definition computed bit by bit.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type WasmGhash, wasmGhash } from '../../src/crypto/ghash-wasm.ts'
import { sourceSha256 } from '../../src/crypto/wasm/ghash-binary.ts'
import { notIn } from '../runtime.ts'
import { hex, patterned, toHex } from './bytes.ts'

const seed = Number(process.env.NACRE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const running = (): WasmGhash => {
  const made = wasmGhash()
  assert.ok(made, 'this runtime has WebAssembly')
  return made
}

/** The tag under a mask, which is zero where only GHASH is wanted; `before` bytes stand before the additional data. */
const tagOf = (
  key: Uint8Array,
  additional: Uint8Array,
  ciphertext: Uint8Array,
  mask: Uint8Array = new Uint8Array(16),
  before = 0,
): string => {
  const bytes = Uint8Array.from([...patterned(before, 3), ...additional, ...ciphertext, 0xee])
  const stream = Uint8Array.from([0xdd, ...mask, 0xdd])
  const ghash = running()
  ghash.compute(key, stream, 1, bytes, before, before + additional.length, before + additional.length + ciphertext.length)
  return toHex(ghash.tag)
}

const number = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(bytes)}`)

/** SP 800-38D §6.3, algorithm 1, bit by bit: the leftmost bit is the coefficient of x^0. */
const times = (left: bigint, right: bigint): bigint => {
  let product = 0n
  for (let i = 127n, v = right; i >= 0n; i--) {
    if (((left >> i) & 1n) === 1n) product ^= v
    v = (v & 1n) === 1n ? (v >> 1n) ^ (0xe1n << 120n) : v >> 1n
  }
  return product
}

const filledUp = (bytes: Uint8Array): readonly number[] => [...bytes, ...new Uint8Array(-bytes.length & 15)]

const expectedOf = (key: Uint8Array, additional: Uint8Array, ciphertext: Uint8Array): string => {
  const lengths = hex((8 * additional.length).toString(16).padStart(16, '0') + (8 * ciphertext.length).toString(16).padStart(16, '0'))
  const all = Uint8Array.from([...filledUp(additional), ...filledUp(ciphertext), ...lengths])
  let hash = 0n
  for (let at = 0; at < all.length; at += 16) hash = times(hash ^ number(all.subarray(at, at + 16)), number(key))
  return hash.toString(16).padStart(32, '0')
}

describe('GHASH', () => {
  test('the GCM specification, appendix B: H, A and C to GHASH(H, A, C), and with E(K, Y0) to T', () => {
    const additional = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
    const third =
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985'
    const fifteenth =
      '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
    const [first, key128, key256] = [
      '66e94bd4ef8a2c3b884cfa59ca342b2e',
      'b83b533708bf535d0aa6e52980d53b78',
      'acbef20579b4b8ebce889bac8732dad7',
    ]
    const cases = [
      { name: 'test case 1', h: first, a: '', c: '', ghash: '0'.repeat(32) },
      { name: 'test case 2', h: first, a: '', c: '0388dace60b6a392f328c2b971b2fe78', ghash: 'f38cbb1ad69223dcc3457ae5b6b0f885' },
      { name: 'test case 3', h: key128, a: '', c: third, ghash: '7f1b32b81b820d02614f8895ac1d4eac' },
      { name: 'test case 4', h: key128, a: additional, c: third.slice(0, 120), ghash: '698e57f70e6ecc7fd9463b7260a9ae5f' },
      { name: 'test case 15', h: key256, a: '', c: fifteenth, ghash: '4db870d37cb75fcb46097c36230d1612' },
      { name: 'test case 16', h: key256, a: additional, c: fifteenth.slice(0, 120), ghash: '8bd0c4d8aacd391e67cca447e8c38f65' },
    ]
    for (const { name, h, a, c, ghash } of cases) assert.equal(tagOf(hex(h), hex(a), hex(c)), ghash, name)
    const masked = tagOf(hex(key128), hex(additional), hex(third.slice(0, 120)), hex('3247184b3c4f69a44dbcd22887bbb418'))
    assert.equal(masked, '5bc94fbc3221a5db94fae95ae7121a47', 'test case 4, its tag')
  })

  test('all bits set, and each single bit, where sums are largest and the reduction begins', () => {
    const ones = new Uint8Array(16).fill(0xff)
    assert.equal(tagOf(ones, ones, ones), expectedOf(ones, ones, ones))
    for (let bit = 0; bit < 128; bit++) {
      const single = new Uint8Array(16)
      single[bit >> 3] = 0x80 >> (bit & 7)
      assert.equal(tagOf(single, single, ones), expectedOf(single, single, ones), `bit ${bit} of H and A`)
      assert.equal(tagOf(ones, ones, single), expectedOf(ones, ones, single), `bit ${bit} of C`)
    }
  })

  test(`every size up to 300 bytes with 0 to 33 of additional data, NACRE_SEED=${seed}`, () => {
    for (let size = 0; size <= 300; size++) {
      const [key, additional, ciphertext] = [patterned(16, seed + size), patterned(size % 34, seed - size), patterned(size, seed ^ size)]
      assert.equal(tagOf(key, additional, ciphertext, undefined, size % 5), expectedOf(key, additional, ciphertext), `${size} bytes`)
    }
  })

  test('nothing is left of one computation for the next, and the tag can be overwritten', () => {
    const ghash = running()
    const expected = tagOf(patterned(16, 1), patterned(4, 2), patterned(16, 3))
    tagOf(patterned(16, 4), patterned(40, 5), patterned(300, 6), patterned(16, 7))
    assert.equal(tagOf(patterned(16, 1), patterned(4, 2), patterned(16, 3)), expected)
    const memory = new Uint8Array(ghash.tag.buffer)
    assert.equal(toHex(memory.subarray(0, 32)), '0'.repeat(64), 'H and the mask were wiped')
    ghash.clear()
    assert.equal(toHex(ghash.tag), '0'.repeat(32))
  })
})

const noFresh = notIn(['Bun', 'the web'], 'a module is loaded once, whatever its query')

test('where WebAssembly is forbidden there is no GHASH and no error', { skip: noFresh }, async () => {
  const runtime = globalThis as { WebAssembly?: unknown }
  const original = runtime.WebAssembly
  const module = new URL('../../src/crypto/ghash-wasm.ts?fresh', import.meta.url).href
  const fresh = (await import(module)) as { wasmGhash: typeof wasmGhash }
  runtime.WebAssembly = undefined
  try {
    assert.equal(fresh.wasmGhash(), undefined)
  } finally {
    runtime.WebAssembly = original
  }
  assert.equal(fresh.wasmGhash(), undefined, 'it is tried once')
})

test('the WebAssembly was compiled from the source beside it', () => {
  const source = readFileSync(new URL('../../src/crypto/wasm/ghash.as', import.meta.url))
  assert.equal(createHash('sha256').update(source).digest('hex'), sourceSha256, 'run `npx node tools/build-wasm.ts`')
})

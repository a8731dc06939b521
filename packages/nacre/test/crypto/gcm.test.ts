// Specifies GHASH in WebAssembly: the values of the GCM specification, and those of its definition computed bit by bit. And
// AES-GCM there: the values of the specification, and that nothing secret is left.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { smallBytes, type WasmGcm, wasmGcm } from '../../src/crypto/gcm-wasm.ts'
import { sourceSha256 } from '../../src/crypto/wasm/gcm-binary.ts'
import { notIn } from '../runtime.ts'
import { hex, patterned, toHex } from './bytes.ts'

const seed = Number(process.env.NACRE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const running = (): WasmGcm => {
  const made = wasmGcm()
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

describe('AES-GCM', () => {
  const plaintext =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39'
  const additional = 'feedfacedeadbeeffeedfacedeadbeef'
  const [nonce, zeros] = ['cafebabefacedbaddecaf888', '0'.repeat(24)]

  /** Ciphertext and tag, which then have to open again. */
  const sealedBy = (key: Uint8Array, iv: string, a: string, p: string): string => {
    const bytes = Uint8Array.from([...hex(a), ...hex(p), ...new Uint8Array(16)])
    const [start, end] = [a.length / 2, (a.length + p.length) / 2]
    const gcm = running()
    gcm.seal(key, hex(iv), bytes, 0, start, end)
    const sealed = toHex(bytes.subarray(start))
    assert.equal(gcm.open(key, hex(iv), bytes, 0, start, end), true)
    assert.equal(toHex(bytes.subarray(start, end)), p)
    return sealed
  }

  test('the GCM specification, appendix B, for keys of 128 and 256 bits', () => {
    const key = hex('feffe9928665731c6d6a8f9467308308')
    const long = Uint8Array.from([...key, ...key])
    assert.equal(sealedBy(new Uint8Array(16), zeros, '', ''), '58e2fccefa7e3061367f1d57a4e7455a', 'test case 1')
    assert.equal(
      sealedBy(new Uint8Array(16), zeros, '', '0'.repeat(32)),
      '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf',
      'test case 2',
    )
    assert.equal(sealedBy(new Uint8Array(32), zeros, '', ''), '530f8afbc74536b9a963b4f1c4cb738b', 'test case 13')
    assert.equal(
      sealedBy(new Uint8Array(32), zeros, '', '0'.repeat(32)),
      'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
      'test case 14',
    )
    assert.match(sealedBy(key, nonce, additional, plaintext), /^42831ec2217774244b7221b784d0d49c/, 'the ciphertext of test case 4')
    assert.match(sealedBy(long, nonce, additional, plaintext), /^522dc1f099567d07f47f37a32a84427d/, 'the ciphertext of test case 16')
  })

  test('neither key nor key stream nor plaintext is left when a packet has been sealed, opened or refused', () => {
    const gcm = running()
    const memory = new Uint8Array(gcm.tag.buffer)
    const key = patterned(32, 8)
    const bytes = new Uint8Array(4 + 200 + 16)
    gcm.seal(key, hex(nonce), bytes, 0, 4, 204)
    const clean = (): void =>
      assert.ok(memory.subarray(0, 48).every(byte => byte === 0) && memory.subarray(64, 1024).every(byte => byte === 0))
    clean()
    const touched = bytes.slice()
    touched[219] ^= 1
    assert.equal(gcm.open(key, hex(nonce), touched, 0, 4, 204), false)
    assert.deepEqual(touched.subarray(0, 219), bytes.subarray(0, 219), 'what was refused is as it came')
    clean()
    assert.equal(gcm.open(key, hex(nonce), bytes, 0, 4, 204), true)
    clean()
    assert.ok(
      memory.subarray(1040, 1040 + 208).every(byte => byte === 0),
      'the plaintext',
    )
  })

  test('the largest packet it takes, and every size below', () => {
    const key = patterned(16, 9)
    let longest = ''
    for (let size = smallBytes; size >= 0; size--) {
      const sealed = sealedBy(key, nonce, '', '0'.repeat(2 * size)).slice(0, 2 * size)
      // Counter mode: shorter packets are sealed with the same key stream.
      if (size === smallBytes) longest = sealed
      assert.equal(sealed, longest.slice(0, 2 * size), `${size} bytes`)
    }
  })
})

const noFresh = notIn(['Bun', 'the web'], 'a module is loaded once, whatever its query')

test('where WebAssembly is forbidden there is no GHASH and no error', { skip: noFresh }, async () => {
  const runtime = globalThis as { WebAssembly?: unknown }
  const original = runtime.WebAssembly
  const module = new URL('../../src/crypto/gcm-wasm.ts?fresh', import.meta.url).href
  const fresh = (await import(module)) as { wasmGcm: typeof wasmGcm }
  runtime.WebAssembly = undefined
  try {
    assert.equal(fresh.wasmGcm(), undefined)
  } finally {
    runtime.WebAssembly = original
  }
  assert.equal(fresh.wasmGcm(), undefined, 'it is tried once')
})

test('the WebAssembly was compiled from the source beside it', () => {
  const source = readFileSync(new URL('../../src/crypto/wasm/gcm.as', import.meta.url))
  assert.equal(createHash('sha256').update(source).digest('hex'), sourceSha256, 'run `npx node tools/build-wasm.ts`')
})

// Specifies AES-GCM, the stream ciphers, hashes and keyed hashes of every provider, by vectors of other tools.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { HashName, StreamCipherName } from '../../../src/crypto/provider.ts'
import { ascii, digest, hex, patterned, primitiveVectors, sameBytes, toHex } from '../bytes.ts'
import { providers } from './providers.ts'

for (const { crypto, lacks } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    describe('AES-GCM', () => {
      const sealed = (keyBytes: number, size: number): Uint8Array => {
        const bytes = new Uint8Array(4 + size + 16)
        bytes.set(patterned(4 + size, size))
        crypto.aesGcm(patterned(keyBytes, keyBytes), 'seal').seal(hex('00'.repeat(12)), bytes, 0, 4, 4 + size)
        return bytes
      }

      for (const keyBytes of [16, 32]) {
        test(`${8 * keyBytes} bits: seals and opens in place as the vectors say`, () => {
          const expected = primitiveVectors().aesGcm.find(each => each.keyBytes === keyBytes && /^0+$/.test(each.iv))?.packets[0]
          assert.equal(digest(sealed(keyBytes, 16)), expected)
          for (const size of [0, 16, 4096]) {
            const bytes = sealed(keyBytes, size)
            const opened = crypto.aesGcm(patterned(keyBytes, keyBytes), 'open').open(hex('00'.repeat(12)), bytes, 0, 4, 4 + size)
            assert.ok(sameBytes(opened, patterned(4 + size, size).subarray(4)))
            assert.equal(opened?.buffer, bytes.buffer)
            assert.equal(opened?.constructor, Uint8Array, 'no Buffer leaves the provider')
          }
        })
      }

      test('a bit changed in additional data, ciphertext, tag or nonce is refused', () => {
        const open = crypto.aesGcm(patterned(16, 16), 'open')
        const nonce = hex('00'.repeat(12))
        const good = sealed(16, 64)
        for (const at of [0, 3, 4, 40, 67, 68, 83]) {
          const touched = good.slice()
          touched[at] ^= 1
          assert.equal(open.open(nonce, touched, 0, 4, 68), undefined, `byte ${at}`)
        }
        assert.equal(open.open(hex('00'.repeat(11) + '01'), good.slice(), 0, 4, 68), undefined)
        assert.ok(open.open(nonce, good, 0, 4, 68))
      })

      test('additional data of any length, and keys of 16 or 32 bytes only', () => {
        const bytes = patterned(8 + 16 + 16, 2)
        crypto.aesGcm(patterned(32), 'seal').seal(hex('00'.repeat(12)), bytes, 0, 8, 24)
        assert.deepEqual(crypto.aesGcm(patterned(32), 'open').open(hex('00'.repeat(12)), bytes, 0, 8, 24), patterned(40, 2).slice(8, 24))
        assert.throws(() => crypto.aesGcm(patterned(24), 'seal'), TypeError)
      })
    })

    describe('stream ciphers', () => {
      const sizes = [16, 48, 4096, 32768, 16]
      for (const [name, expected] of Object.entries(primitiveVectors().streams)) {
        test(`${name} runs on from packet to packet`, { skip: lacks.includes(name) }, () => {
          const cipher = name as StreamCipherName
          const key = patterned(name === '3des-cbc' || name.includes('192') ? 24 : name.includes('256') ? 32 : 16, 3)
          const iv = name.endsWith('ctr') ? new Uint8Array(16).fill(0xff) : patterned(name === '3des-cbc' ? 8 : 16, 7)
          const seal = crypto.streamCipher(cipher, key, iv, 'seal')
          const open = crypto.streamCipher(cipher, key, iv, 'open')
          sizes.forEach((size, i) => {
            const bytes = new Uint8Array(size + 6)
            bytes.set(patterned(size, size), 3)
            seal.process(bytes, 3, 3 + size)
            assert.equal(digest(bytes.subarray(3, 3 + size)), expected[i], `packet ${i}`)
            assert.ok(
              [...bytes.subarray(0, 3), ...bytes.subarray(3 + size)].every(byte => byte === 0),
              'nothing beside it was touched',
            )
            // The first block apart, as the length of a packet is read.
            open.process(bytes, 3, 3 + 16)
            if (size > 16) open.process(bytes, 3 + 16, 3 + size)
            assert.ok(sameBytes(bytes.subarray(3, 3 + size), patterned(size, size)), `packet ${i} comes back`)
          })
        })
      }

      test('a key or IV of another size is refused', () => {
        assert.throws(() => crypto.streamCipher('aes128-ctr', patterned(24), patterned(16), 'seal'), /a key of 16 bytes/)
        assert.throws(() => crypto.streamCipher('aes256-cbc', patterned(32), patterned(8), 'seal'), /an IV of 16/)
      })

      test('3des-cbc takes an IV of 8 bytes, or is refused where there is none', () => {
        const create = (): unknown => crypto.streamCipher('3des-cbc', patterned(24), patterned(16), 'seal')
        if (lacks.includes('3des-cbc')) assert.throws(create, { code: 'KEY_UNSUPPORTED', message: /not there in this runtime/ })
        else assert.throws(create, /an IV of 8/)
      })

      test('a counter of all ones carries over, and a packet of nothing changes nothing', () => {
        const one = crypto.streamCipher('aes128-ctr', patterned(16), new Uint8Array(16).fill(0xff), 'seal')
        const wrapped = crypto.streamCipher('aes128-ctr', patterned(16), new Uint8Array(16), 'seal')
        const [first, second, expected] = [new Uint8Array(16), new Uint8Array(16), new Uint8Array(16)]
        one.process(first, 0, 16)
        one.process(first, 16, 16)
        one.process(second, 0, 16)
        wrapped.process(expected, 0, 16)
        assert.ok(sameBytes(second, expected))
      })

      test('single AES blocks: FIPS 197 appendix B', () => {
        const encrypt = crypto.aesBlocks(hex('2b7e151628aed2a6abf7158809cf4f3c'))
        assert.equal(toHex(encrypt(hex('3243f6a8885a308d313198a2e0370734'))), '3925841d02dc09fbdc118597196a0b32')
        assert.equal(toHex(encrypt(hex('3243f6a8885a308d313198a2e0370734'.repeat(2)))), '3925841d02dc09fbdc118597196a0b32'.repeat(2))
      })
    })

    describe('hashes', () => {
      const abc: Record<HashName, string> = {
        md5: '900150983cd24fb0d6963f7d28e17f72',
        sha1: 'a9993e364706816aba3e25717850c26c9cd0d89d',
        sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
        sha384: 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7',
        sha512:
          'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
      }
      for (const [name, expected] of Object.entries(abc) as [HashName, string][]) {
        test(`${name} of 'abc', whole and in pieces`, () => {
          assert.equal(toHex(crypto.hash(name, ascii('abc'))), expected)
          assert.equal(toHex(crypto.hash(name, ascii('a'), ascii(''), ascii('bc'))), expected)
          const running = crypto.hasher(name)
          running.update(ascii('ab'))
          running.update(ascii('c'))
          assert.equal(toHex(running.digest()), expected)
        })
      }

      test('nothing hashed is the hash of nothing', () => {
        assert.equal(toHex(crypto.hash('sha256')), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
      })

      test('HMAC: RFC 2202 and RFC 4231, in one piece and in two', () => {
        const key = new Uint8Array(20).fill(0x0b)
        const message = ascii('Hi There')
        const expected: [HashName, Uint8Array, string][] = [
          ['md5', key.subarray(0, 16), '9294727a3638bb1c13f48ef8158bfc9d'],
          ['sha1', key, 'b617318655057264e28bc0b6fb378c8ef146be00'],
          ['sha256', key, 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
          [
            'sha512',
            key,
            '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
          ],
        ]
        for (const [name, withKey, tag] of expected) {
          const keyed = crypto.hmac(name, withKey)
          assert.equal(toHex(keyed.digest(message)), tag, name)
          assert.equal(toHex(keyed.digest(message.subarray(0, 3), message.subarray(3))), tag, `${name}, a second time`)
        }
      })
    })
  })
}

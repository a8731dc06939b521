// Specifies the ciphers that need a MAC beside them: their rows, and that each row runs the cipher it names.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { insecureAes128Cbc, insecureAes192Cbc, insecureAes256Cbc } from '../../../src/algorithms/cipher/aes-cbc.ts'
import { aes128Ctr, aes192Ctr, aes256Ctr } from '../../../src/algorithms/cipher/aes-ctr.ts'
import { insecureTripleDesCbc } from '../../../src/algorithms/cipher/triple-des-cbc.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import { digest, hex, patterned, primitiveVectors, toHex } from '../../crypto/bytes.ts'
import { hasTripleDes } from '../../runtime.ts'

const crypto = nodeCrypto()
const rows = [aes128Ctr, aes192Ctr, aes256Ctr, insecureAes128Cbc, insecureAes192Cbc, insecureAes256Cbc, insecureTripleDesCbc]

describe('plain ciphers', () => {
  for (const row of rows.filter(each => hasTripleDes || each !== insecureTripleDesCbc)) {
    test(`${row.name} is the cipher of that name, both ways`, () => {
      const key = patterned(row.keyBytes, 3)
      const iv = row.name.endsWith('ctr') ? new Uint8Array(16).fill(0xff) : patterned(row.ivBytes, 7)
      const sealing = row.create(crypto, key, iv, 'seal')
      const opening = row.create(crypto, key, iv, 'open')
      ;[16, 48, 4096].forEach((size, i) => {
        const bytes = patterned(size, size)
        sealing.process(bytes, 0, size)
        assert.equal(digest(bytes), primitiveVectors().streams[row.name][i])
        opening.process(bytes, 0, row.blockBytes)
        opening.process(bytes, row.blockBytes, size)
        assert.deepEqual(bytes, patterned(size, size))
      })
    })
  }

  test('NIST SP 800-38A F.5.5, AES-256 in counter mode', () => {
    const transform = aes256Ctr.create(
      crypto,
      hex('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'),
      hex('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'),
      'seal',
    )
    const bytes = hex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51')
    transform.process(bytes, 0, 32)
    assert.equal(toHex(bytes), '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5')
  })

  test('sizes, standing and limits', () => {
    const columns = rows.map(row => [row.name, row.keyBytes, row.ivBytes, row.blockBytes, row.standing, row.rekeyAfterBytes, row.integrity])
    assert.deepEqual(columns, [
      ['aes128-ctr', 16, 16, 16, 'default', 2 ** 36, 'mac'],
      ['aes192-ctr', 24, 16, 16, 'default', 2 ** 36, 'mac'],
      ['aes256-ctr', 32, 16, 16, 'default', 2 ** 36, 'mac'],
      ['aes128-cbc', 16, 16, 16, 'insecure', 2 ** 36, 'mac'],
      ['aes192-cbc', 24, 16, 16, 'insecure', 2 ** 36, 'mac'],
      ['aes256-cbc', 32, 16, 16, 'insecure', 2 ** 36, 'mac'],
      ['3des-cbc', 24, 8, 8, 'insecure', 2 ** 30, 'mac'],
    ])
  })
})

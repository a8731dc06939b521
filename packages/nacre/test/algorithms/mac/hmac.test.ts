// Specifies the HMAC rows: what is hashed of a packet, how long keys and tags are, and which are insecure.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, test } from 'node:test'
import * as rows from '../../../src/algorithms/mac/hmac.ts'
import type { Mac } from '../../../src/algorithms/rows.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import { patterned, toHex } from '../../crypto/bytes.ts'

const crypto = nodeCrypto()

const table: readonly [row: Mac, name: string, hash: string, keyBytes: number, tagBytes: number, standing: string][] = [
  [rows.hmacSha2256, 'hmac-sha2-256', 'sha256', 32, 32, 'default'],
  [rows.hmacSha2512, 'hmac-sha2-512', 'sha512', 64, 64, 'default'],
  [rows.hmacSha1, 'hmac-sha1', 'sha1', 20, 20, 'default'],
  [rows.insecureHmacSha196, 'hmac-sha1-96', 'sha1', 20, 12, 'insecure'],
  [rows.insecureHmacMd5, 'hmac-md5', 'md5', 16, 16, 'insecure'],
  [rows.insecureHmacMd596, 'hmac-md5-96', 'md5', 16, 12, 'insecure'],
  [rows.hmacSha2256Etm, 'hmac-sha2-256-etm@openssh.com', 'sha256', 32, 32, 'default'],
  [rows.hmacSha2512Etm, 'hmac-sha2-512-etm@openssh.com', 'sha512', 64, 64, 'default'],
  [rows.hmacSha1Etm, 'hmac-sha1-etm@openssh.com', 'sha1', 20, 20, 'default'],
  [rows.insecureHmacSha196Etm, 'hmac-sha1-96-etm@openssh.com', 'sha1', 20, 12, 'insecure'],
  [rows.insecureHmacMd5Etm, 'hmac-md5-etm@openssh.com', 'md5', 16, 16, 'insecure'],
  [rows.insecureHmacMd596Etm, 'hmac-md5-96-etm@openssh.com', 'md5', 16, 12, 'insecure'],
]

describe('HMAC rows', () => {
  test('every row the file exports is in this table', () => {
    assert.deepEqual(new Set(Object.values(rows)), new Set(table.map(([row]) => row)))
  })

  for (const [row, name, hash, keyBytes, tagBytes, standing] of table) {
    test(name, () => {
      assert.equal(row.name, name)
      assert.deepEqual(
        [row.keyBytes, row.tagBytes, row.standing, row.encryptThenMac],
        [keyBytes, tagBytes, standing, name.includes('-etm@')],
      )
      const key = patterned(keyBytes, 1)
      const bytes = patterned(80, 2)
      const mac = row.create(crypto, key)
      // RFC 4253 §6.4: mac = MAC(key, sequence_number || packet).
      for (const sequence of [0, 0x01020304, 0xffffffff]) {
        const number = Buffer.alloc(4)
        number.writeUInt32BE(sequence)
        const expected = createHmac(hash, key).update(number).update(bytes.subarray(8, 72)).digest().subarray(0, tagBytes)
        assert.equal(toHex(mac.compute(sequence, bytes, 8, 72)), toHex(expected), `sequence ${sequence}`)
      }
    })
  }
})

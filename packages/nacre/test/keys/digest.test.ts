// The plain hashes against the runtime's, at every length around the block boundaries.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { hmacSha1, md5, sha1, sha256 } from '../../src/keys/digest.ts'

const message = Uint8Array.from({ length: 200 }, (_, i) => (i * 31 + 7) & 0xff)

test('SHA-256, SHA-1 and MD5 give what the runtime gives', () => {
  for (let length = 0; length <= message.length; length++) {
    const part = message.subarray(0, length)
    for (const [name, hash] of Object.entries({ sha256, sha1, md5 })) {
      assert.equal(Buffer.from(hash(part)).toString('hex'), createHash(name).update(part).digest('hex'), `${name} of ${length} bytes`)
    }
  }
})

test('HMAC-SHA1 gives what the runtime gives, with keys shorter and longer than a block', () => {
  for (let length = 1; length <= 140; length++) {
    const key = message.subarray(0, length)
    assert.equal(Buffer.from(hmacSha1(key, message)).toString('hex'), createHmac('sha1', key).update(message).digest('hex'))
  }
})

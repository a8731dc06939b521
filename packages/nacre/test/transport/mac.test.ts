// The tag of a packet is compared whole: a forger who gets the first bytes right is refused exactly like one who gets all of
// them wrong. The MAC here hands out a tag that counts how often each byte is read, because time cannot be measured soundly.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Mac, PlainCipher } from '../../src/algorithms/rows.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { createOpener } from '../../src/transport/protect.ts'
import { counted } from '../crypto/counted.ts'

const tagBytes = 32
const tag = Uint8Array.from({ length: tagBytes }, (_, i) => 255 - i)

const cipher: PlainCipher = {
  name: 'clear',
  standing: 'insecure',
  integrity: 'mac',
  keyBytes: 0,
  ivBytes: 0,
  blockBytes: 8,
  rekeyAfterBytes: Number.POSITIVE_INFINITY,
  create: () => ({ process: () => {} }),
}

/** Opens a packet of zeros with this tag behind it; the reads of each byte of the right tag. */
const open = (encryptThenMac: boolean, sent: Uint8Array) => {
  const right = counted(tag)
  const mac: Mac = {
    name: 'counted',
    standing: 'insecure',
    keyBytes: 0,
    tagBytes,
    encryptThenMac,
    create: () => ({ compute: () => right.bytes }),
  }
  const empty = new Uint8Array(0)
  const opener = createOpener(nullCrypto, cipher, mac, { key: empty, iv: empty, macKey: empty })
  const packet = new Uint8Array(4 + 12 + tagBytes)
  packet[3] = 12
  packet.set(sent, 16)
  assert.equal(opener.packetLength(packet, 0, 0), 12)
  return { opened: opener.open(packet, 0, 12, 0), reads: right.reads }
}

describe('a packet with a MAC', () => {
  for (const encryptThenMac of [true, false]) {
    const how = encryptThenMac ? 'over the ciphertext' : 'over the plaintext'
    it(`is opened when the tag is right, ${how}`, () => {
      assert.equal(open(encryptThenMac, tag).opened?.length, 12)
    })
    it(`is refused after every byte of the tag was read once, wherever the first wrong one is, ${how}`, () => {
      for (const at of [0, 1, 16, 31]) {
        const { opened, reads } = open(
          encryptThenMac,
          tag.map((byte, i) => (i === at ? byte ^ 1 : byte)),
        )
        assert.equal(opened, undefined, `wrong at ${at}`)
        assert.deepEqual(
          reads,
          Array.from({ length: tagBytes }, () => 1),
          `wrong at ${at}`,
        )
      }
    })
  }
})

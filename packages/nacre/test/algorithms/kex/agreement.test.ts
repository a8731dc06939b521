// Every method between its own two sides: one secret, one list of hashed values, and nothing left to chance but `random`.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { curve25519Sha256 } from '../../../src/algorithms/kex/curve25519.ts'
import { bytes, decode, encode, mpint, struct } from '../../../src/wire/codec.ts'
import { both, kexCrypto, proof, seeded, sha512, toHex } from './fixtures.ts'
import { allMethods, curveMethods, fixedGroupMethods, groupExchangeMethods, hybridMethods } from './methods.ts'

describe('every method', () => {
  for (const method of allMethods) {
    it(`${method.name} gives both sides one secret and one transcript`, async () => {
      const { client, server, proved } = await both(method)
      assert.equal(toHex(client.secret), toHex(server.secret))
      assert.equal(toHex(client.hashed), toHex(server.hashed))
      assert.deepEqual(client.proof, proof)
      // The server proved itself over exactly that, once.
      assert.deepEqual(proved, [{ secret: server.secret, hashed: server.hashed }])
    })
  }
  it('declares messages between 30 and 49, as parts of a key exchange, from one side each', () => {
    for (const method of allMethods) {
      for (const message of method.messages) {
        assert.ok(message.number >= 30 && message.number <= 49, method.name)
        assert.equal(message.phase, 'kex')
        assert.equal(message.from, /INIT|REQUEST/.test(message.name) ? 'client' : 'server')
      }
    }
  })
  it('is insecure exactly where it hashes with SHA-1', () => {
    for (const method of allMethods) assert.equal(method.standing, method.hash === 'sha1' ? 'insecure' : 'default', method.name)
  })
  it('has a name of its own', () => assert.equal(new Set(allMethods.map(each => each.name)).size, allMethods.length))
})

describe('the messages', () => {
  const transcripts: readonly (readonly [readonly (typeof allMethods)[number][], readonly string[]])[] = [
    [curveMethods, ['left: SSH_MSG_KEX_ECDH_INIT', 'right: SSH_MSG_KEX_ECDH_REPLY']],
    [hybridMethods.slice(0, 2), ['left: SSH_MSG_KEX_HYBRID_INIT', 'right: SSH_MSG_KEX_HYBRID_REPLY']],
    [hybridMethods.slice(2), ['left: SSH_MSG_KEX_ECDH_INIT', 'right: SSH_MSG_KEX_ECDH_REPLY']],
    [fixedGroupMethods.slice(0, 1), ['left: SSH_MSG_KEXDH_INIT', 'right: SSH_MSG_KEXDH_REPLY']],
    [
      groupExchangeMethods,
      [
        'left: SSH_MSG_KEX_DH_GEX_REQUEST',
        'right: SSH_MSG_KEX_DH_GEX_GROUP',
        'left: SSH_MSG_KEX_DH_GEX_INIT',
        'right: SSH_MSG_KEX_DH_GEX_REPLY',
      ],
    ],
  ]
  for (const [methods, expected] of transcripts) {
    it(`of ${methods.map(each => each.name).join(', ')}`, async () => {
      for (const method of methods) assert.deepEqual((await both(method)).transcript, expected)
    })
  }
})

describe('the secret', () => {
  it('is a number for curves and groups', async () => {
    for (const method of [...curveMethods, ...fixedGroupMethods.slice(0, 1), ...groupExchangeMethods]) {
      const { client } = await both(method)
      assert.deepEqual(encode(mpint, decode(mpint, client.secret)), client.secret, method.name)
    }
  })
  it('is a string of the size of the hash for hybrids', async () => {
    for (const method of hybridMethods) {
      const { client } = await both(method)
      assert.equal(decode(bytes, client.secret).length, method.hash === 'sha256' ? 32 : 64, method.name)
    }
  })
  it('loses leading zero bytes, and gains one before a high bit (RFC 8731 §3.1)', async () => {
    const agreedOn = async (secret: readonly number[]) => {
      const fixed = { ...kexCrypto, x25519: () => ({ publicKey: new Uint8Array(32), agree: () => Uint8Array.from(secret) }) }
      return toHex((await both(curve25519Sha256, { crypto: fixed }, { crypto: fixed })).client.secret)
    }
    const tail = Array.from({ length: 29 }, () => 7)
    const shown = '07'.repeat(29)
    assert.equal(await agreedOn([1, 2, 3, ...tail]), `00000020010203${shown}`)
    assert.equal(await agreedOn([0x80, 2, 3, ...tail]), `0000002100800203${shown}`)
    assert.equal(await agreedOn([0, 2, 3, ...tail]), `0000001f0203${shown}`)
    assert.equal(await agreedOn([0, 0, 0x83, ...tail]), `0000001f0083${shown}`)
  })
})

describe('randomness', () => {
  it('decides everything', async () => {
    // Node's ML-KEM draws its own.
    for (const method of [...curveMethods, ...hybridMethods.slice(2), ...fixedGroupMethods.slice(0, 1)]) {
      const once = async (seed: string) => {
        const { client } = await both(method, { random: seeded(`client ${seed}`) }, { random: seeded(`server ${seed}`) })
        return toHex(sha512(client.secret, client.hashed))
      }
      assert.equal(await once('a'), await once('a'), method.name)
      assert.notEqual(await once('a'), await once('b'), method.name)
    }
  })
})

describe('the hashed values', () => {
  const twoStrings = struct({ Q_C: bytes, Q_S: bytes })
  const sizes: Readonly<Record<string, readonly [number, number]>> = {
    'curve25519-sha256': [32, 32],
    'ecdh-sha2-nistp256': [65, 65],
    'ecdh-sha2-nistp384': [97, 97],
    'ecdh-sha2-nistp521': [133, 133],
    'mlkem768x25519-sha256': [1216, 1120],
    'mlkem768nistp256-sha256': [1249, 1153],
    'sntrup761x25519-sha512': [1190, 1071],
  }
  for (const [name, expected] of Object.entries(sizes)) {
    it(`of ${name} are the two public values, as strings`, async () => {
      const method = allMethods.find(each => each.name === name)
      assert.ok(method)
      const { Q_C, Q_S } = decode(twoStrings, (await both(method)).client.hashed)
      assert.deepEqual([Q_C.length, Q_S.length], expected)
    })
  }
  it('of a fixed group are e and f, as numbers', async () => {
    const { e, f } = decode(struct({ e: mpint, f: mpint }), (await both(fixedGroupMethods[0])).client.hashed)
    assert.ok(e.length > 250 && f.length > 250)
  })
})

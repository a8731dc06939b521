// Published vectors, and hybrids whose two halves are computed here: what both sides agree on when all else is given.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { curve25519Sha256 } from '../../../src/algorithms/kex/curve25519.ts'
import { ecdhSha2Nistp256 } from '../../../src/algorithms/kex/ecdh-nist.ts'
import type { Curve } from '../../../src/algorithms/kex/curves.ts'
import { nistp256, x25519 } from '../../../src/algorithms/kex/curves.ts'
import { KexEcdhInit, KexEcdhReply, KexHybridInit, KexHybridReply } from '../../../src/algorithms/kex/messages.ts'
import { mlkem768Nistp256Sha256, mlkem768X25519Sha256 } from '../../../src/algorithms/kex/mlkem768.ts'
import { sntrup761X25519Sha512 } from '../../../src/algorithms/kex/sntrup761.ts'
import type { KexMethod } from '../../../src/algorithms/rows.ts'
import { sntrup761Encapsulate, sntrup761Generate, sntrup761Decapsulate } from '../../../src/crypto/sntrup761.ts'
import { bytes, decode, encode, struct } from '../../../src/wire/codec.ts'
import { encodeMessage } from '../../../src/wire/message.ts'
import { asks, givesBytes, play, returned } from '../../dialogue.ts'
import { both, computes, fixedRandom, hex, kexCrypto, proof, run, seeded, serverRun, sha512, toHex } from './fixtures.ts'

describe('curve25519-sha256', () => {
  it('agrees as in RFC 7748 §6.1', async () => {
    const alice = hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
    const bob = hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const { client } = await both(curve25519Sha256, { random: fixedRandom(alice) }, { random: fixedRandom(bob) })
    assert.equal(toHex(client.secret), '000000204a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742')
    assert.equal(toHex(client.hashed.subarray(0, 36)), '000000208520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
  })
})

describe('ecdh-sha2-nistp256', () => {
  it('agrees on the x coordinate, as in RFC 5903 §8.1', async () => {
    const i = hex('c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433')
    const r = hex('c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53')
    const { client } = await both(ecdhSha2Nistp256, { random: fixedRandom(i) }, { random: fixedRandom(r) })
    assert.equal(toHex(client.secret), '0000002100d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de')
  })
})

interface Half {
  readonly secret: Uint8Array
  readonly ciphertext: Uint8Array
}
interface Hybrid {
  readonly method: KexMethod
  readonly curve: Curve
  readonly publicBytes: number
  readonly init: typeof KexEcdhInit | typeof KexHybridInit
  readonly reply: typeof KexEcdhReply | typeof KexHybridReply
  /** A peer's own KEM. */
  generate(): { publicKey: Uint8Array; decapsulate(ciphertext: Uint8Array): Uint8Array }
  encapsulate(publicKey: Uint8Array): Half
  hash(...pieces: Uint8Array[]): Uint8Array
}

const mlkem = {
  publicBytes: 1184,
  init: KexHybridInit,
  reply: KexHybridReply,
  generate: () => kexCrypto.mlkem768(seeded('peer kem')),
  encapsulate: (publicKey: Uint8Array) => kexCrypto.mlkem768Encapsulate(publicKey, seeded('peer kem')),
  hash: (...pieces: Uint8Array[]) => kexCrypto.hash('sha256', ...pieces),
}
const hybrids: readonly Hybrid[] = [
  { ...mlkem, method: mlkem768X25519Sha256, curve: x25519 },
  { ...mlkem, method: mlkem768Nistp256Sha256, curve: nistp256 },
  {
    method: sntrup761X25519Sha512,
    curve: x25519,
    publicBytes: 1158,
    init: KexEcdhInit,
    reply: KexEcdhReply,
    generate() {
      const { publicKey, secretKey } = sntrup761Generate(seeded('peer kem'), sha512)
      return { publicKey, decapsulate: ciphertext => sntrup761Decapsulate(secretKey, ciphertext, sha512) }
    },
    encapsulate: publicKey => sntrup761Encapsulate(publicKey, seeded('peer kem'), sha512),
    hash: sha512,
  },
]

describe('a hybrid', () => {
  for (const { method, curve, publicBytes, init, reply, generate, encapsulate, hash } of hybrids) {
    it(`${method.name}: the client hashes K_PQ, then K_CL, of a server made here`, () => {
      const point = curve.generate(run('server', { random: seeded('peer point') }))
      // The client's values come from its random bytes alone: a first run tells them, a second one answers them.
      let clientPublic = new Uint8Array(0) as Uint8Array
      const first = method.client(run('client'))
      for (let step = first.next(); !step.done && clientPublic.length === 0;) {
        if (step.value.do === 'send') clientPublic = (step.value.value as { clientPublic: Uint8Array }).clientPublic
        step = first.next(step.value.do === 'ask' ? computes(step.value.question as never) : undefined)
      }
      const { secret, ciphertext } = encapsulate(clientPublic.subarray(0, publicBytes))
      const K = hash(secret, point.agree(clientPublic.subarray(publicBytes)))
      const serverPublic = Buffer.concat([ciphertext, point.publicKey])
      const result = returned(
        play(method.client(run('client')), [
          asks('compute', computes),
          { line: 'sends', message: init, fields: { clientPublic } },
          givesBytes(encodeMessage(reply, { ...proof, serverPublic })),
          asks('compute', computes),
        ]),
      )
      assert.equal(toHex(decode(bytes, result.secret)), toHex(K))
      assert.equal(toHex(result.hashed), toHex(encode(struct({ C: bytes, S: bytes }), { C: clientPublic, S: serverPublic })))
      assert.deepEqual(result.proof, proof)
    })

    it(`${method.name}: so does the server, of a client made here`, () => {
      const key = generate()
      const point = curve.generate(run('client', { random: seeded('peer point') }))
      const clientPublic = Buffer.concat([key.publicKey, point.publicKey])
      let serverPublic = new Uint8Array(0) as Uint8Array
      const dialogue = method.server(serverRun())
      const result = returned(
        play(
          (function* () {
            for (let step = dialogue.next(); ;) {
              if (step.done) return step.value
              if (step.value.do === 'send') serverPublic = (step.value.value as { serverPublic: Uint8Array }).serverPublic
              step = dialogue.next(yield step.value)
            }
          })(),
          [givesBytes(encodeMessage(init, { clientPublic })), asks('compute', computes), { line: 'sends', message: reply, fields: proof }],
        ),
      )
      const ciphertextBytes = serverPublic.length - curve.publicBytes
      const K = hash(key.decapsulate(serverPublic.subarray(0, ciphertextBytes)), point.agree(serverPublic.subarray(ciphertextBytes)))
      assert.equal(toHex(decode(bytes, result.secret)), toHex(K))
      assert.equal(toHex(result.hashed), toHex(encode(struct({ C: bytes, S: bytes }), { C: clientPublic, S: serverPublic })))
    })
  }
})

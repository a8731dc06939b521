// What a peer may send instead of a proper value, and how each side refuses it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { curve25519Sha256 } from '../../../src/algorithms/kex/curve25519.ts'
import { diffieHellmanGroup14Sha256 } from '../../../src/algorithms/kex/dh-group.ts'
import { ecdhSha2Nistp256, ecdhSha2Nistp384, ecdhSha2Nistp521 } from '../../../src/algorithms/kex/ecdh-nist.ts'
import { group14 } from '../../../src/algorithms/kex/groups.ts'
import { KexDhInit, KexDhReply, KexEcdhInit, KexEcdhReply, KexHybridInit, KexHybridReply } from '../../../src/algorithms/kex/messages.ts'
import { mlkem768Nistp256Sha256, mlkem768X25519Sha256 } from '../../../src/algorithms/kex/mlkem768.ts'
import { sntrup761X25519Sha512 } from '../../../src/algorithms/kex/sntrup761.ts'
import type { KexMethod } from '../../../src/algorithms/rows.ts'
import { ProtocolError } from '../../../src/errors.ts'
import { asks, gives, type Line, play, sends, thrown } from '../../dialogue.ts'
import { computes, hex, kexCrypto, proof, run, seeded, serverRun, toMagnitude, toNumber } from './fixtures.ts'

const refuses = (dialogue: Parameters<typeof play>[0], lines: readonly Line[], why: RegExp): void => {
  const error = thrown(play(dialogue, lines), ProtocolError)
  assert.equal(error.violation, 'key-exchange-value-invalid')
  assert.equal(error.reason, 'key-exchange-failed')
  assert.match(error.message, why)
}

/** Both sides of a curve method refuse `value`. */
const bothRefuse = (method: KexMethod, value: Uint8Array, why: string): void => {
  refuses(
    method.client(run('client')),
    [sends(KexEcdhInit), gives(KexEcdhReply, { ...proof, serverPublic: value })],
    new RegExp(`^The server's ${why}`),
  )
  refuses(method.server(serverRun()), [gives(KexEcdhInit, { clientPublic: value })], new RegExp(`^The client's ${why}`))
}

describe('curve25519-sha256 refuses', () => {
  for (const size of [0, 31, 33, 64]) {
    it(`a value of ${size} bytes`, () =>
      bothRefuse(curve25519Sha256, new Uint8Array(size).fill(9), `X25519 public value has ${size} bytes; it must have 32\\.$`))
  }
  // Points of order 1, 2, 4 and 8, and two that are these modulo 2^255 - 19 (RFC 7748 §6.1).
  const lowOrder = [
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ]
  for (const point of lowOrder)
    it(`the point ${point.slice(0, 4)}…${point.slice(-4)} of low order`, () =>
      bothRefuse(curve25519Sha256, hex(point), 'X25519 public value'))

  it('a zero secret also where the provider lets it pass', () => {
    const lenient = { ...kexCrypto, x25519: () => ({ publicKey: new Uint8Array(32).fill(9), agree: () => new Uint8Array(32) }) }
    refuses(
      curve25519Sha256.server(serverRun({ crypto: lenient })),
      [gives(KexEcdhInit, { clientPublic: new Uint8Array(32) })],
      /is a point of low order: the shared secret would be zero\.$/,
    )
  })
})

describe('ECDH over a NIST curve refuses', () => {
  const methods = [
    { method: ecdhSha2Nistp256, curve: 'nistp256', label: 'P-256', size: 65 },
    { method: ecdhSha2Nistp384, curve: 'nistp384', label: 'P-384', size: 97 },
    { method: ecdhSha2Nistp521, curve: 'nistp521', label: 'P-521', size: 133 },
  ] as const
  for (const { method, curve, label, size } of methods) {
    const good = kexCrypto.ecdh(curve, seeded(label)).publicKey
    it(`other sizes (${label})`, () => {
      for (const value of [new Uint8Array(0), Uint8Array.of(0), good.subarray(1), Uint8Array.of(...good, 0)]) {
        bothRefuse(method, value, `${label} public point has ${value.length} bytes; it must have ${size}\\.$`)
      }
    })
    it(`a compressed point (${label})`, () => {
      bothRefuse(method, Uint8Array.of(2, ...good.subarray(1, (size + 1) / 2)), `${label} public point has ${(size + 1) / 2} bytes`)
    })
    it(`another form in the same size (${label})`, () => {
      bothRefuse(
        method,
        Uint8Array.of(6, ...good.subarray(1)),
        `${label} public point begins with 6; an uncompressed point begins with 4\\.$`,
      )
    })
    it(`a point that is not on the curve (${label})`, () => {
      const off = good.slice()
      off[size - 1] ^= 1
      bothRefuse(method, off, `${label} public point cannot be used`)
      bothRefuse(method, Uint8Array.of(4, ...new Uint8Array(size - 1)), `${label} public point cannot be used`)
      bothRefuse(method, Uint8Array.of(4, ...new Uint8Array(size - 1).fill(0xff)), `${label} public point cannot be used`)
    })
  }
})

describe('a hybrid refuses', () => {
  const hybrids = [
    {
      method: mlkem768X25519Sha256,
      init: KexHybridInit,
      reply: KexHybridReply,
      label: 'ML-KEM-768',
      key: 1184,
      ciphertext: 1088,
      point: 32,
      curve: 'X25519 public value',
    },
    {
      method: mlkem768Nistp256Sha256,
      init: KexHybridInit,
      reply: KexHybridReply,
      label: 'ML-KEM-768',
      key: 1184,
      ciphertext: 1088,
      point: 65,
      curve: 'P-256 public point',
    },
    {
      method: sntrup761X25519Sha512,
      init: KexEcdhInit,
      reply: KexEcdhReply,
      label: 'sntrup761',
      key: 1158,
      ciphertext: 1039,
      point: 32,
      curve: 'X25519 public value',
    },
  ] as const
  for (const { method, init, reply, label, key, ciphertext, point, curve } of hybrids) {
    const clientRefuses = (serverPublic: Uint8Array, why: RegExp): void =>
      refuses(method.client(run('client')), [asks('compute', computes), sends(init), gives(reply, { ...proof, serverPublic })], why)
    const serverRefuses = (clientPublic: Uint8Array, why: RegExp): void =>
      refuses(method.server(serverRun()), [gives(init, { clientPublic })], why)

    it(`other sizes (${method.name})`, () => {
      for (const size of [0, 32, ciphertext, ciphertext + point - 1, ciphertext + point + 1]) {
        const why = `^The server's ${label} ciphertext and public value has ${size} bytes; it must have ${ciphertext + point}\\.$`
        clientRefuses(new Uint8Array(size), new RegExp(why))
      }
      for (const size of [0, 32, key, key + point - 1, key + point + 1]) {
        serverRefuses(
          new Uint8Array(size),
          new RegExp(`^The client's ${label} key and public value has ${size} bytes; it must have ${key + point}\\.$`),
        )
      }
    })
    it(`a bad point beside a good size (${method.name})`, () => {
      clientRefuses(new Uint8Array(ciphertext + point), new RegExp(`^The server's ${curve}`))
      serverRefuses(new Uint8Array(key + point), new RegExp(`^The client's ${curve}`))
    })
  }

  it('an ML-KEM key with coefficients out of range (FIPS 203 §7.2)', () => {
    const clientPublic = new Uint8Array(1216).fill(0xff)
    clientPublic.set(kexCrypto.x25519(seeded('point')).publicKey, 1184)
    const dialogue = mlkem768X25519Sha256.server(serverRun())
    assert.throws(
      () => play(dialogue, [gives(KexHybridInit, { clientPublic }), asks('compute', computes)]),
      (error: unknown) =>
        error instanceof ProtocolError &&
        error.violation === 'key-exchange-value-invalid' &&
        error.message.startsWith("The client's ML-KEM-768 key cannot be used: "),
    )
  })
  it('what a provider finds wrong later', async () => {
    const later = { ...kexCrypto, mlkem768Encapsulate: () => Promise.reject(new Error('it is stale')) as never }
    const dialogue = mlkem768X25519Sha256.server(serverRun({ crypto: later }))
    const clientPublic = new Uint8Array(1216)
    clientPublic.set(kexCrypto.x25519(seeded('point')).publicKey, 1184)
    dialogue.next()
    const { value: step, done } = dialogue.next({ is: KexHybridInit.name, value: { clientPublic }, payload: clientPublic })
    assert.ok(!done && step.do === 'ask')
    await assert.rejects(computes(step.question as never) as Promise<unknown>, {
      code: 'PROTOCOL_KEY_EXCHANGE_VALUE_INVALID',
      message: "The client's ML-KEM-768 key cannot be used: it is stale.",
    })
  })
})

describe('Diffie-Hellman in a fixed group refuses', () => {
  const p = toNumber(group14.p)
  const values: readonly (readonly [string, bigint, RegExp])[] = [
    ['0', 0n, /public value is 0; it must lie between 1 and p - 1\.$/],
    ['1', 1n, /public value is 1; it must lie between 1 and p - 1\.$/],
    ['p - 1', p - 1n, /public value of 2048 bits is too large for the group of 2048 bits/],
    ['p', p, /public value of 2048 bits is too large/],
    ['p + 1', p + 1n, /public value of 2048 bits is too large/],
    ['2p', 2n * p, /public value of 2049 bits is too large/],
  ]
  for (const [name, value, why] of values) {
    it(`the public value ${name}`, () => {
      refuses(
        diffieHellmanGroup14Sha256.client(run('client')),
        [asks('compute', computes), sends(KexDhInit), gives(KexDhReply, { ...proof, f: toMagnitude(value) })],
        new RegExp(`^The server's Diffie-Hellman ${why.source}`),
      )
      // The server refuses before it spends anything.
      refuses(
        diffieHellmanGroup14Sha256.server(serverRun()),
        [gives(KexDhInit, { e: toMagnitude(value) })],
        new RegExp(`^The client's Diffie-Hellman ${why.source}`),
      )
    })
  }
  for (const secret of [0, 1]) {
    it(`a shared secret of ${secret}`, () => {
      const weak = { ...kexCrypto, dh: () => ({ publicKey: Uint8Array.of(4), agree: () => new Uint8Array([0, secret]) }) }
      refuses(
        diffieHellmanGroup14Sha256.server(serverRun({ crypto: weak })),
        [gives(KexDhInit, { e: Uint8Array.of(4) }), asks('compute', computes), asks('compute', computes)],
        /makes a shared secret that everybody knows\.$/,
      )
    })
  }
})

describe('Diffie-Hellman in a fixed group accepts', () => {
  it('2 and p - 2', () => {
    const p = toNumber(group14.p)
    const lenient = { ...kexCrypto, dh: () => ({ publicKey: Uint8Array.of(4), agree: () => Uint8Array.of(9) }) }
    for (const value of [2n, p - 2n]) {
      const outcome = play(diffieHellmanGroup14Sha256.server(serverRun({ crypto: lenient })), [
        gives(KexDhInit, { e: toMagnitude(value) }),
        asks('compute', computes),
        asks('compute', computes),
        sends(KexDhReply, proof),
      ])
      assert.equal(outcome.is, 'returned')
    }
  })
})

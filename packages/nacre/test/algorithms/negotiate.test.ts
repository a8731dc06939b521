// RFC 4253 §7.1 as a table: what two offers agree on, and what is said when they do not.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Known, negotiate, type Offer } from '../../src/algorithms/negotiate.ts'
import { NegotiationError } from '../../src/errors.ts'

const offer = (change: Partial<Offer> = {}): Offer => ({
  kex: ['k1', 'k2'],
  hostKey: ['h1', 'h2'],
  cipherClientToServer: ['aead', 'c1'],
  cipherServerToClient: ['aead', 'c1'],
  macClientToServer: ['m1'],
  macServerToClient: ['m1'],
  compressionClientToServer: ['none'],
  compressionServerToClient: ['none'],
  ...change,
})
const known: Known = {
  aead: name => name === 'aead',
  standing: (_kind, name) => (name.startsWith('old') ? 'insecure' : name.startsWith('new') ? 'offered-on-request' : undefined),
}

describe('negotiation', () => {
  it('takes the first of the client that the server has', () => {
    const agreed = negotiate(offer({ kex: ['k3', 'k2', 'k1'] }), offer({ kex: ['k1', 'k2'] }), 'client', known)
    assert.equal(agreed.kex, 'k2')
  })
  it('is the same for both sides', () => {
    const client = offer({ kex: ['k9', 'k2'], cipherClientToServer: ['c1'], hostKey: ['h2', 'h1'] })
    assert.deepEqual(negotiate(client, offer(), 'client', known), negotiate(client, offer(), 'server', known))
  })
  it('ignores MACs beside an AEAD cipher, in each direction by itself', () => {
    const agreed = negotiate(
      offer({ macClientToServer: ['mine'], cipherServerToClient: ['c1'] }),
      offer({ macClientToServer: ['theirs'] }),
      'client',
      known,
    )
    assert.equal(agreed.clientToServer.mac, undefined)
    assert.equal(agreed.serverToClient.mac, 'm1')
  })
  it('never agrees on a signal', () => {
    const signals = ['ext-info-c', 'kex-strict-c-v00@openssh.com']
    assert.throws(() => negotiate(offer({ kex: signals }), offer({ kex: signals }), 'client', known), NegotiationError)
  })
  for (const [title, client, server, right] of [
    ['both first choices equal', {}, {}, true],
    ['another first method', { kex: ['k2', 'k1'] }, {}, false],
    ['another first host key algorithm', {}, { hostKey: ['h2', 'h1'] }, false],
  ] as const) {
    it(`a guess is ${right ? 'right' : 'wrong'} with ${title}`, () =>
      assert.equal(negotiate(offer(client), offer(server), 'server', known).guessRight, right))
  }

  const mismatch = (client: Partial<Offer>, server: Partial<Offer>, us: 'client' | 'server'): NegotiationError => {
    try {
      negotiate(offer(client), offer(server), us, known)
    } catch (error) {
      if (error instanceof NegotiationError) return error
    }
    return assert.fail('no NegotiationError')
  }
  it('shows both lists, ours first, when nothing is common', () => {
    const error = mismatch({ kex: ['a', 'ext-info-c'] }, { kex: ['b'] }, 'server')
    assert.equal(error.code, 'PROTOCOL_NO_COMMON_ALGORITHM')
    assert.equal(error.reason, 'key-exchange-failed')
    assert.deepEqual([error.mismatch.ours, error.mismatch.theirs], [['b'], ['a']])
    assert.match(error.message, /No key exchange method in common\. We offer: b\. The peer offers: a\./)
  })
  it('names the smallest option that would connect, with its risk', () => {
    const error = mismatch({}, { cipherClientToServer: ['old-cbc'] }, 'client')
    assert.deepEqual(error.mismatch.remedy?.option, 'Ciphers=+old-cbc')
    assert.match(error.message, /Ciphers=\+old-cbc on our side\. Risk: old-cbc is broken or too weak/)
  })
  it('prefers a safe remedy to an insecure one', () =>
    assert.equal(mismatch({}, { kex: ['old', 'new'] }, 'client').mismatch.remedy?.option, 'KexAlgorithms=+new'))
  it('says so when nothing would help', () =>
    assert.match(mismatch({}, { hostKey: ['x'] }, 'client').message, /one of the two needs newer software/))
  it('escapes names of the peer', () => assert.match(mismatch({}, { hostKey: ['x\x1b[31m'] }, 'client').message, /x\\x1b\[31m/))
})

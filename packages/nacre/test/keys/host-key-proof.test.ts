// Proving a host key (hostkeys-prove-00@openssh.com): what is signed, which signatures count, and which algorithm a server takes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkHostKeyProof, hostKeyProofData, proofAlgorithm } from '../../src/keys/host-key-proof.ts'
import { bytes, decode, struct, text } from '../../src/wire/codec.ts'
import { sessionId } from '../auth/fixtures.ts'
import { signerOf } from './certificates.ts'
import { crypto } from './fixtures.ts'

const prove = async (name: string, algorithm: string, changes: { sessionId?: Uint8Array; of?: string; agreed?: string } = {}) => {
  const signer = signerOf(name)
  const { blob } = signerOf(changes.of ?? name).publicKey
  const signature = await signer.sign(hostKeyProofData(changes.sessionId ?? sessionId, blob), algorithm)
  return checkHostKeyProof(crypto, {
    key: signerOf(changes.of ?? name).publicKey,
    sessionId,
    agreedHostKeyAlgorithm: changes.agreed ?? 'ssh-ed25519',
    signature,
  })
}

describe('the proof of a host key', () => {
  it('signs what it is for, the session and the key', () => {
    const { blob } = signerOf('ed25519').publicKey
    assert.deepEqual(decode(struct({ purpose: text, sessionId: bytes, key: bytes }), hostKeyProofData(sessionId, blob)), {
      purpose: 'hostkeys-prove-00@openssh.com',
      sessionId,
      key: blob,
    })
  })

  it('holds for every type of key', async () => {
    for (const [name, algorithm] of [
      ['ed25519', 'ssh-ed25519'],
      ['ecdsa256', 'ecdsa-sha2-nistp256'],
      ['ecdsa521', 'ecdsa-sha2-nistp521'],
      ['rsa2048', 'rsa-sha2-512'],
      ['rsa2048', 'rsa-sha2-256'],
    ])
      assert.equal(await prove(name, algorithm), 'proven', `${name} ${algorithm}`)
  })

  it('is wrong for another session, another key, and whatever is no signature', async () => {
    assert.equal(await prove('ed25519', 'ssh-ed25519', { sessionId: sessionId.toReversed() }), 'wrong')
    assert.equal(await prove('ecdsa256', 'ecdsa-sha2-nistp256', { of: 'ed25519' }), 'wrong')
    assert.equal(await prove('rsa1024', 'rsa-sha2-512'), 'wrong', 'too weak to prove anything')
    const key = signerOf('ed25519').publicKey
    for (const signature of [new Uint8Array(0), new Uint8Array(90), Uint8Array.of(0, 0, 0, 4, 120, 120, 120, 120)])
      assert.equal(checkHostKeyProof(crypto, { key, sessionId, agreedHostKeyAlgorithm: 'ssh-ed25519', signature }), 'wrong')
  })

  it('of an RSA key is by SHA-2, and by the algorithm of the key exchange if that was of RSA', async () => {
    assert.equal(await prove('rsa2048', 'ssh-rsa'), 'disregarded')
    assert.equal(await prove('rsa2048', 'rsa-sha2-512', { agreed: 'rsa-sha2-256' }), 'disregarded')
    assert.equal(await prove('rsa2048', 'rsa-sha2-256', { agreed: 'rsa-sha2-256' }), 'proven')
    assert.equal(await prove('rsa2048', 'rsa-sha2-256', { agreed: 'rsa-sha2-256-cert-v01@openssh.com' }), 'proven')
  })

  it('is made with what the client can be expected to take', () => {
    const { algorithms } = signerOf('rsa2048')
    assert.equal(proofAlgorithm(algorithms, 'ssh-ed25519'), 'rsa-sha2-512')
    assert.equal(proofAlgorithm(algorithms, 'rsa-sha2-256'), 'rsa-sha2-256')
    assert.equal(proofAlgorithm(['ssh-dss'], 'ssh-ed25519'), undefined)
  })
})

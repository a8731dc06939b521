// The agent client against an agent in memory: listing, signing, waiting in line, and answers that are wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { AgentClient } from '../../src/agent/client.ts'
import { encodeAgentMessage, Failure, IdentitiesAnswer, Success } from '../../src/agent/messages.ts'
import { agentSigners } from '../../src/agent/signers.ts'
import type { AgentTransport } from '../../src/agent/transport.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { crypto, privateKey, publicKey } from '../keys/fixtures.ts'
import { fakeAgent } from './fake-agent.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const signers = ['ed25519', 'ecdsa256', 'rsa2048'].map(name => createSigner(crypto, privateKey(name), name))
const data = new TextEncoder().encode('to be signed')

test('the keys of the agent, with their comments, in its order', async () => {
  const keys = await new AgentClient(fakeAgent(signers)).list()
  assert.deepEqual(
    keys.map(key => [key.publicKey.type, key.comment]),
    [
      ['ssh-ed25519', 'ed25519@vectors'],
      ['ecdsa-sha2-nistp256', 'ecdsa256@vectors'],
      ['ssh-rsa', 'rsa2048@vectors'],
    ],
  )
})

test('an answer may come in pieces of any size', async () => {
  for (const pieceBytes of [1, 2, 3, 5, 100]) {
    const agent = new AgentClient(fakeAgent(signers, { pieceBytes }))
    assert.equal((await agent.list()).length, 3)
    assert.ok(await agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'))
  }
})

test('every key signs with every algorithm it has, and the signature is right', async () => {
  const made = await agentSigners(new AgentClient(fakeAgent(signers)))
  assert.deepEqual(
    made.map(signer => signer.algorithms),
    [['ssh-ed25519'], ['ecdsa-sha2-nistp256'], ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']],
  )
  for (const { publicKey: key, algorithms, sign, source, slow } of made) {
    assert.equal(source, 'agent')
    assert.equal(slow, true)
    for (const algorithm of algorithms) {
      const signature = await sign(data, algorithm)
      assert.ok(verifySignature(crypto, tables, { publicKey: key.blob, algorithm, data, signature }), algorithm)
    }
    assert.throws(() => sign(data, 'nonsense'), TypeError)
  }
})

test('requests made at once wait for one another and keep their order', async () => {
  const transport = fakeAgent(signers, { pieceBytes: 7 })
  const agent = new AgentClient(transport)
  const names = ['ed25519', 'rsa2048', 'ecdsa256', 'ed25519']
  const algorithms = ['ssh-ed25519', 'rsa-sha2-512', 'ecdsa-sha2-nistp256', 'ssh-ed25519']
  const made = await Promise.all(names.map((name, i) => agent.sign(publicKey(name).blob, Uint8Array.of(i), algorithms[i])))
  made.forEach((signature, i) => {
    assert.ok(
      verifySignature(crypto, tables, { publicKey: publicKey(names[i]).blob, algorithm: algorithms[i], data: Uint8Array.of(i), signature }),
    )
  })
  assert.equal(transport.overlaps, 0)
})

test('a refusal fails that request only', async () => {
  const agent = new AgentClient(fakeAgent(signers))
  await assert.rejects(async () => agent.sign(publicKey('dsa').blob, data, 'ssh-dss'), { name: 'AgentError', code: 'AGENT_REFUSED' })
  assert.equal((await agent.list()).length, 3)
  const locked = new AgentClient(fakeAgent([], { bend: () => encodeAgentMessage(Failure, {}) }))
  await assert.rejects(async () => locked.list(), { code: 'AGENT_REFUSED', message: /ssh-add -X/ })
})

test('an agent that signs with SHA-1 where SHA-2 was asked for is refused', async () => {
  // Agents from before the flags ignore them.
  const [, , rsa] = signers
  const old = { ...rsa, sign: (bytes: Uint8Array) => rsa.sign(bytes, 'ssh-rsa') }
  const agent = new AgentClient(fakeAgent([old]))
  await assert.rejects(async () => agent.sign(rsa.publicKey.blob, data, 'rsa-sha2-512'), {
    code: 'AGENT_REFUSED',
    message: /signed with ssh-rsa where rsa-sha2-512/,
  })
})

test('odd keys are left out without hiding the others; weak ones are told', async () => {
  const answer = encodeAgentMessage(IdentitiesAnswer, {
    keys: [
      { publicKey: Uint8Array.of(1, 2, 3), comment: 'no key' },
      { publicKey: publicKey('rsa1024').blob, comment: 'weak' },
      { publicKey: publicKey('ed25519').blob, comment: 'good' },
    ],
  })
  const notes: string[] = []
  const made = await agentSigners(new AgentClient(fakeAgent([], { bend: () => answer })), { onNote: note => notes.push(note) })
  assert.deepEqual(
    made.map(signer => signer.publicKey.comment),
    ['good'],
  )
  assert.deepEqual(notes, [
    `The agent's key ${publicKey('rsa1024').fingerprint()} has 1024 bits, and RSA keys need at least 2048, so it is not used.`,
  ])
})

test('answers that are malformed end the conversation for good', async () => {
  const bent: [string, Uint8Array][] = [
    ['another message', encodeAgentMessage(Success, {})],
    ['cut inside', Uint8Array.of(0, 0, 0, 5, 12, 0, 0, 0, 1)],
    ['left-over bytes in the message', Uint8Array.of(0, 0, 0, 6, 12, 0, 0, 0, 0, 0)],
    ['more than one message', Uint8Array.of(0, 0, 0, 5, 12, 0, 0, 0, 0, 0)],
    ['empty', Uint8Array.of(0, 0, 0, 0)],
    ['larger than allowed', Uint8Array.of(0, 4, 0, 1)],
  ]
  for (const [what, answer] of bent) {
    const transport = fakeAgent(signers, { bend: () => answer })
    const agent = new AgentClient(transport)
    await assert.rejects(async () => agent.list(), { name: 'AgentError', code: 'AGENT_MALFORMED' }, what)
    await assert.rejects(async () => agent.list(), { code: 'AGENT_MALFORMED' }, what)
    assert.equal(transport.requests.length, 1, what)
    assert.equal(transport.closed, true, what)
  }
})

test('an agent that goes away is unreachable, for those who wait as well', async () => {
  const gone = new AgentClient(fakeAgent(signers, { bend: () => undefined }))
  const waiting = [gone.list(), gone.list()]
  for (const each of waiting) await assert.rejects(each, { code: 'AGENT_UNREACHABLE' })
  const broken: AgentTransport = { write: () => {}, read: () => Promise.reject(new Error('ECONNRESET')), close: () => {} }
  await assert.rejects(new AgentClient(broken).list(), { code: 'AGENT_UNREACHABLE', message: /ECONNRESET/ })
})

test('after close nothing is asked any more', async () => {
  const transport = fakeAgent(signers)
  const agent = new AgentClient(transport)
  agent.close()
  await assert.rejects(agent.list(), { code: 'AGENT_UNREACHABLE' })
  assert.equal(transport.requests.length, 0)
  assert.equal(transport.closed, true)
})

test('a request too large for any agent is the mistake of the caller, and breaks nothing', async () => {
  const agent = new AgentClient(fakeAgent(signers))
  await assert.rejects(agent.sign(publicKey('ed25519').blob, new Uint8Array(300_000), 'ssh-ed25519'), TypeError)
  assert.equal((await agent.list()).length, 3)
})

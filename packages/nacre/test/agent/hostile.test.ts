// Clients that send nonsense, half of something, or too much: each request that is no request is answered by FAILURE, a length that
// cannot be ends that connection alone, and nothing ends the agent.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { agentNumbers, maximumAgentMessage } from '../../src/agent/messages.ts'
import { FrameReader } from '../../src/agent/frames.ts'
import { serveAgent } from '../../src/agent/serve.ts'
import { AgentSession } from '../../src/agent/session.ts'
import { type AgentTransport, agentTransportPair } from '../../src/agent/transport.ts'
import { WireError } from '../../src/errors.ts'
import { publicKey } from '../keys/fixtures.ts'
import { agentRig, data, identity } from './rig.ts'

const failure = Uint8Array.of(0, 0, 0, 1, agentNumbers.SSH_AGENT_FAILURE)
const frame = (...payload: readonly number[]): Uint8Array => Uint8Array.of(0, 0, 0, payload.length, ...payload)

/** Reads `count` bytes. */
const receive = async (transport: AgentTransport, count: number): Promise<Uint8Array> => {
  let got = new Uint8Array(0)
  while (got.length < count) {
    const piece = await transport.read()
    if (piece === undefined) break
    got = Uint8Array.of(...got, ...piece)
  }
  return got
}

describe('a request that is none', () => {
  test('of every number, empty and with bytes that mean nothing, is answered and forgotten', async () => {
    const { agent, client } = agentRig()
    await client().add(identity('ed25519'), 'mine')
    const session = new AgentSession(agent)
    const without = new Set<number>([
      agentNumbers.SSH_AGENTC_REQUEST_IDENTITIES,
      agentNumbers.SSH_AGENTC_REMOVE_ALL_IDENTITIES,
      agentNumbers.SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES,
    ])
    for (let number = 0; number < 256; number++) {
      for (const rest of [[], [0xff], [0, 0, 0, 200, 1], [0, 0, 0, 0], Array.from({ length: 64 }, () => 0)]) {
        if (without.has(number) && rest.length === 0) continue
        const answer = await session.answer(Uint8Array.of(number, ...rest))
        assert.deepEqual(answer, failure, `${number} with ${rest.join(' ')}`)
      }
    }
    assert.equal((await client().list()).length, 1)
  })

  test('cut off anywhere is answered', async () => {
    const { agent, client } = agentRig()
    const whole: Uint8Array[] = []
    const [ours, theirs] = agentTransportPair()
    void serveAgent(agent, {
      ...theirs,
      read: async () => {
        const piece = await theirs.read()
        if (piece !== undefined) whole.push(piece.slice())
        return piece
      },
    })
    const { AgentClient } = await import('../../src/agent/client.ts')
    const recorded = new AgentClient(ours)
    await recorded.add(identity('ecdsa256'), 'a comment', { lifetime: 100, confirm: true })
    await recorded.remove(publicKey('ecdsa256').blob)
    const session = new AgentSession(agent)
    for (const request of whole) {
      for (let length = 1; length < request.length - 4; length++) {
        const answer = await session.answer(request.slice(4, 4 + length))
        // A request to add stays one when all constraints, or the last, are cut off.
        if (answer[4] === agentNumbers.SSH_AGENT_SUCCESS) assert.equal(request[4], agentNumbers.SSH_AGENTC_ADD_ID_CONSTRAINED)
        else assert.deepEqual(answer, failure)
      }
    }
    assert.ok(whole.length >= 2)
    await client().removeAll()
  })
})

describe('a length', () => {
  for (const [what, bytes] of [
    ['of nothing', [0, 0, 0, 0]],
    ['above the ceiling', [0, 4, 0, 1]],
    ['of four gigabytes', [0xff, 0xff, 0xff, 0xff]],
  ] as const)
    test(`${what} ends that connection, and no other`, async () => {
      const { agent, client } = agentRig()
      const other = client()
      let closed = false
      let left: Uint8Array | undefined = Uint8Array.from(bytes)
      void serveAgent(agent, {
        read: () => {
          const piece = left
          left = undefined
          return piece === undefined ? new Promise(() => {}) : Promise.resolve(piece)
        },
        write: () => {},
        close: () => void (closed = true),
      })
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
      assert.ok(closed)
      assert.deepEqual(await other.list(), [])
    })

  test('at the ceiling is none too much, and takes room only as bytes come', () => {
    const frames = new FrameReader()
    frames.feed(Uint8Array.of(0, 4, 0, 0))
    assert.equal(frames.next(), undefined)
    frames.feed(new Uint8Array(maximumAgentMessage))
    assert.equal(frames.next()?.length, maximumAgentMessage)
    assert.ok(frames.empty)
  })

  test('and what follows it may come in any pieces, several messages in one', () => {
    const messages = [[11], [1, 2, 3], [9]]
    const bytes = Uint8Array.from(messages.flatMap(each => [...frame(...each)]))
    for (let size = 1; size <= bytes.length; size++) {
      const frames = new FrameReader()
      const got: number[][] = []
      for (let at = 0; at < bytes.length; at += size) {
        frames.feed(bytes.subarray(at, at + size))
        for (let payload = frames.next(); payload !== undefined; payload = frames.next()) got.push([...payload])
      }
      assert.deepEqual(got, messages, `pieces of ${size}`)
    }
    const bad = new FrameReader()
    bad.feed(Uint8Array.of(0, 0, 0, 0))
    assert.throws(() => bad.next(), WireError)
  })
})

describe('a client', () => {
  test('that sends many requests at once gets as many answers, in order', async () => {
    const { agent, client } = agentRig()
    await client().add(identity('ed25519'), 'mine')
    const [ours, theirs] = agentTransportPair()
    void serveAgent(agent, theirs)
    void ours.write(Uint8Array.of(...frame(11), ...frame(99), ...frame(11)))
    const listed = 4 + 1 + 4 + 4 + publicKey('ed25519').blob.length + 4 + 4
    const answers = await receive(ours, 2 * listed + failure.length)
    assert.equal(answers[4], agentNumbers.SSH_AGENT_IDENTITIES_ANSWER)
    assert.deepEqual(answers.subarray(listed, listed + failure.length), failure)
    assert.equal(answers[listed + failure.length + 4], agentNumbers.SSH_AGENT_IDENTITIES_ANSWER)
  })

  test('that reads no answers is not read from: what it sends waits with it', async () => {
    const { agent } = agentRig()
    let reads = 0
    let release = (): void => {}
    const slow: AgentTransport = {
      read: () => {
        reads++
        return reads > 10 ? new Promise(() => {}) : Promise.resolve(frame(11))
      },
      write: () => new Promise<void>(resolve => (release = resolve)),
      close: () => {},
    }
    void serveAgent(agent, slow)
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.equal(reads, 1)
    release()
    for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
    assert.equal(reads, 2)
  })

  test('whose stream breaks is gone; the promise of serving it resolves', async () => {
    const { agent, notes } = agentRig()
    let closed = false
    await serveAgent(agent, { read: () => Promise.reject(new Error('ECONNRESET')), write: () => {}, close: () => void (closed = true) })
    assert.ok(closed)
    assert.match(notes.join(), /ECONNRESET/)
  })

  test('among two hundred at once is served like the others', async () => {
    const { client } = agentRig()
    await client().add(identity('ed25519'), 'mine')
    const made = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const agent = client()
        await agent.sign(publicKey('ed25519').blob, data, 'ssh-ed25519')
        return (await agent.list()).length
      }),
    )
    assert.deepEqual(new Set(made), new Set([1]))
  })

  test('cannot make a log say what it likes', async () => {
    const { agent, notes } = agentRig()
    const name = new TextEncoder().encode('\u001b[2Jx@y')
    await new AgentSession(agent).answer(Uint8Array.of(27, 0, 0, 0, name.length, ...name))
    await new AgentSession(agent).answer(Uint8Array.of(200))
    assert.doesNotMatch(notes.join(), /\u001b/)
  })
})

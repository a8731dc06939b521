// Owns the target for our agent: a client that sends it whatever it likes. The agent answers each request with one message, keeps to
// its keys' constraints, and serves the next client as if nothing had been.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createAgent } from '../../packages/nacre/src/agent/agent.ts'
import { AgentClient } from '../../packages/nacre/src/agent/client.ts'
import type { Destination } from '../../packages/nacre/src/agent/constraints.ts'
import {
  agentMessages,
  agentNumbers,
  decodeAgentMessage,
  encodeAgentMessage,
  SignRequest,
} from '../../packages/nacre/src/agent/messages.ts'
import { FrameReader } from '../../packages/nacre/src/agent/frames.ts'
import { agentInMemory, serveAgent } from '../../packages/nacre/src/agent/serve.ts'
import type { CryptoProvider } from '../../packages/nacre/src/crypto/provider.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import type { Clock } from '../../packages/nacre/src/io/clock.ts'
import { PrivateKey } from '../../packages/nacre/src/keys/private.ts'
import { sameBlob } from '../../packages/nacre/src/keys/public.ts'
import type { Codec } from '../../packages/nacre/src/wire/codec.ts'
import { invented } from '../rig/shape.ts'
import type { Target } from '../rig/target.ts'
import { algorithmNames } from '../rig/words.ts'

const nodes = nodeCrypto()
/** Passphrases are stretched for nobody here: a search has no time for it. */
const quick: CryptoProvider = Object.create(nodes, {
  derive: { value: (_by: unknown, passphrase: Uint8Array, salt: Uint8Array) => Promise.resolve(nodes.hash('sha256', passphrase, salt)) },
})
/** Waiting is over at once, and time has passed then. */
const hastyClock = (): Clock => {
  let now = 0
  return {
    now: () => now,
    after: (milliseconds, act) => {
      let pending = true
      queueMicrotask(() => {
        if (!pending) return
        now += milliseconds
        act()
      })
      return () => void (pending = false)
    },
  }
}

const publicHalf = (seed: Uint8Array): Uint8Array => nodes.publicHalf({ kind: 'ed25519', seed })
const keyOf = (fill: number): PrivateKey => {
  const seed = new Uint8Array(32).fill(fill)
  return new PrivateKey({ kind: 'ed25519', publicKey: publicHalf(seed), seed }, `key ${fill}`)
}
const [free, asking, restricted] = [keyOf(1), keyOf(2), keyOf(3)]
const destinations: readonly Destination[] = [
  { from: { user: '', host: '', keys: [] }, to: { user: '', host: 'hop', keys: [{ key: free.publicBlob, authority: false }] } },
]

const frame = (payload: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(4 + payload.length)
  new DataView(bytes.buffer).setUint32(0, payload.length)
  bytes.set(payload, 4)
  return bytes
}
const recorded = (): readonly Uint8Array[] =>
  (
    JSON.parse(readFileSync(new URL('../../packages/nacre/test/vectors/agent/requests.json', import.meta.url), 'utf8')) as {
      request: string
    }[]
  ).map(({ request }) => frame(new Uint8Array(Buffer.from(request, 'base64'))))

const data = new TextEncoder().encode('anything')
const signing = [free, asking, restricted].map(key => encodeAgentMessage(SignRequest, { publicKey: key.publicBlob, data, flags: 0 }))
const answers: ReadonlySet<number> = new Set([
  agentNumbers.SSH_AGENT_FAILURE,
  agentNumbers.SSH_AGENT_SUCCESS,
  agentNumbers.SSH_AGENT_IDENTITIES_ANSWER,
  agentNumbers.SSH_AGENT_SIGN_RESPONSE,
  agentNumbers.SSH_AGENT_EXTENSION_FAILURE,
  agentNumbers.SSH_AGENT_EXTENSION_RESPONSE,
])

/** The whole messages in a stream, until a length that may not be. */
const requestsIn = (bytes: Uint8Array): readonly Uint8Array[] => {
  const frames = new FrameReader()
  const found: Uint8Array[] = []
  frames.feed(bytes)
  try {
    for (let payload = frames.next(); payload !== undefined; payload = frames.next()) found.push(payload)
  } catch {
    // What comes behind is not read.
  }
  return found
}

const agentRequests: Target = {
  name: 'agent-requests',
  about: 'whatever a client sends our agent, in pieces: one answer for each request, and no signature that constraints forbid',
  words: [...algorithmNames, 'session-bind@openssh.com', 'query', 'restrict-destination-v00@openssh.com', 'sk-provider@openssh.com'],
  seeds: () => [...recorded(), ...signing].map(bytes => Uint8Array.of(99, ...bytes)),
  generate: random => {
    const pieces = Array.from({ length: 1 + random.below(4) }, () => {
      if (random.oneIn(4)) return random.pick(signing)
      const message = random.pick(agentMessages)
      return frame(Uint8Array.of(message.number, ...invented(message as Codec<unknown>, random, algorithmNames)))
    })
    return Uint8Array.of(random.below(256), ...pieces.flatMap(piece => [...piece]))
  },
  run: async (input, note) => {
    const size = 1 + ((input[0] ?? 0) % 200)
    const bytes = input.subarray(1)
    let asked = 0
    const agent = createAgent({ crypto: quick, clock: hastyClock(), confirm: () => asked++ < 0 })
    agent.add({ key: free, certificate: undefined }, 'free')
    agent.add({ key: asking, certificate: undefined }, 'asking', { confirm: true })
    agent.add({ key: restricted, certificate: undefined }, 'restricted', { destinations })
    const said: Uint8Array[] = []
    let at = 0
    await serveAgent(agent, {
      read: () => {
        const piece = at < bytes.length ? bytes.slice(at, at + size) : undefined
        at += size
        return Promise.resolve(piece)
      },
      write: answer => void said.push(answer),
      close: () => {},
    })
    const requests = requestsIn(bytes)
    assert.equal(said.length, requests.length, 'as many answers as requests')
    for (const [index, answer] of said.entries()) {
      assert.equal(new DataView(answer.buffer, answer.byteOffset).getUint32(0), answer.length - 4)
      assert.ok(answers.has(answer[4]), `an answer of kind ${answer[4]}`)
      note(`${requests[index][0]} ${answer[4]}`)
      if (answer[4] === agentNumbers.SSH_AGENT_SIGN_RESPONSE) {
        const { publicKey } = decodeAgentMessage(SignRequest, requests[index])
        for (const key of [asking, restricted]) assert.ok(!sameBlob(key.publicBlob, publicKey), 'a key has signed that may not')
      }
    }
    // The next client is served.
    const client = new AgentClient(agentInMemory(agent))
    const listed = await client.list()
    note(`keys ${listed.length} ${agent.lock.locked}`)
    if (agent.lock.locked) assert.equal(listed.length, 0)
    client.close()
  },
}

export const agentTargets: readonly Target[] = [agentRequests]

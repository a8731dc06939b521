// Handing an agent on: the binding first, whole messages, one answer to each, and the end of both.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentClient } from '../../src/agent/client.ts'
import { FrameReader } from '../../src/agent/frames.ts'
import {
  agentExtensions,
  decodeAgentMessage,
  encodeAgentMessage,
  Extension,
  Failure,
  sessionBinding,
  Success,
} from '../../src/agent/messages.ts'
import { relayAgent } from '../../src/agent/relay.ts'
import { agentInMemory } from '../../src/agent/serve.ts'
import { type AgentTransport, agentTransportPair } from '../../src/agent/transport.ts'
import { decode } from '../../src/wire/codec.ts'
import { agentRig, data, identity, proofOf } from './rig.ts'
import { publicKey } from '../keys/fixtures.ts'

/** One whole message from a transport. */
const nextOf = async (transport: AgentTransport): Promise<Uint8Array> => {
  const frames = new FrameReader()
  for (;;) {
    const payload = frames.next()
    if (payload !== undefined) return payload
    const piece = await transport.read()
    assert.ok(piece !== undefined, 'it ended')
    frames.feed(piece)
  }
}

describe('the binding', () => {
  it('comes first, and says that the agent is handed on', async () => {
    const proof = await proofOf('ecdsa256', 3)
    const [client] = agentTransportPair()
    const [agent, there] = agentTransportPair()
    const done = relayAgent(client, agent, { proof })
    const { extension, contents } = decodeAgentMessage(Extension, await nextOf(there))
    assert.equal(extension, agentExtensions.sessionBind)
    assert.deepEqual(decode(sessionBinding, contents), { ...proof, forwarding: true })
    there.close()
    await done
  })

  for (const [how, answer] of [
    ['does not know it', encodeAgentMessage(Failure, {})],
    ['takes it', encodeAgentMessage(Success, {})],
  ] as const)
    it(`goes on with an agent that ${how}`, async () => {
      const [client, person] = agentTransportPair()
      const [agent, there] = agentTransportPair()
      const done = relayAgent(client, agent, { proof: await proofOf('ecdsa256', 3) })
      await nextOf(there)
      void there.write(answer)
      void person.write(Uint8Array.of(0, 0, 0, 1, 11))
      assert.deepEqual(await nextOf(there), Uint8Array.of(11))
      void there.write(Uint8Array.of(0, 0, 0, 5, 12, 0, 0, 0, 0))
      assert.deepEqual(await nextOf(person), Uint8Array.of(12, 0, 0, 0, 0))
      person.close()
      await done
    })
})

describe('requests', () => {
  it('arrive whole, however they come, and are answered in order', async () => {
    const rig = agentRig()
    await rig.client().add(identity('ed25519'), 'mine')
    const [client, person] = agentTransportPair()
    const done = relayAgent(client, agentInMemory(rig.agent), { proof: undefined })
    for (const byte of [0, 0, 0, 1, 11, 0, 0, 0, 1, 11]) void person.write(Uint8Array.of(byte))
    for (const _ of [1, 2]) assert.equal((await nextOf(person))[0], 12)
    person.close()
    await done
  })

  it('that are forbidden are refused here, and the agent never hears of them', async () => {
    const rig = agentRig()
    await rig.client().add(identity('ed25519'), 'mine')
    const [client, person] = agentTransportPair()
    const wanted: unknown[] = []
    const done = relayAgent(client, agentInMemory(rig.agent), {
      proof: undefined,
      permit: each => (wanted.push(each.publicKey?.type), false),
    })
    const asking = new AgentClient(person)
    await assert.rejects(asking.sign(publicKey('ed25519').blob, data, 'ssh-ed25519'), { code: 'AGENT_REFUSED' })
    await assert.rejects(asking.sign(data, data, 'ssh-ed25519'), { code: 'AGENT_REFUSED' })
    assert.equal((await asking.list()).length, 1, 'others pass')
    assert.deepEqual(wanted, ['ssh-ed25519', undefined])
    asking.close()
    await done
  })

  it('with lengths that may not be end it, at both sides', async () => {
    const rig = agentRig()
    const [client, person] = agentTransportPair()
    const done = relayAgent(client, agentInMemory(rig.agent), { proof: undefined })
    void person.write(Uint8Array.of(0xff, 0xff, 0xff, 0xff))
    await assert.rejects(done, { code: 'WIRE' })
    assert.equal(await person.read(), undefined)
  })
})

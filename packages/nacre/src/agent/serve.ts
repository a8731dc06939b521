// Owns serving an agent over a two-way byte stream: messages out of bytes, one answer after the other. Knows nothing of sockets,
// nor what the answers are.
import { WireError } from '../errors.ts'
import type { Agent } from './agent.ts'
import { FrameReader } from './frames.ts'
import { AgentSession } from './session.ts'
import { type AgentTransport, agentTransportPair } from './transport.ts'

/**
 * Answers requests until the other end closes or breaks the framing. Resolves then, and never rejects. Nothing is read while an
 * answer waits to be sent, so a client that does not read its answers costs one message each way.
 */
export const serveAgent = async (agent: Agent, transport: AgentTransport): Promise<void> => {
  const session = new AgentSession(agent)
  const frames = new FrameReader()
  try {
    for (;;) {
      const payload = frames.next()
      if (payload !== undefined) {
        await transport.write(await session.answer(payload))
        continue
      }
      const piece = await transport.read()
      if (piece === undefined) return
      frames.feed(piece)
    }
  } catch (error) {
    // What is no length cannot be followed by anything that has a meaning; and a stream that broke is an end as well.
    const why = error instanceof Error ? error.message : String(error)
    agent.note(error instanceof WireError ? `a client sent ${why}` : `a client went away: ${why}`)
  } finally {
    transport.close()
  }
}

/** A way to an agent in this very process. */
export const agentInMemory = (agent: Agent): AgentTransport => {
  const [ours, theirs] = agentTransportPair()
  void serveAgent(agent, theirs)
  return ours
}

// Owns the agent of a person at the other end of a session: what is asked of the server, which channels are taken, and how each
// comes to an agent. Knows no sockets: how the usual agent is reached is told to it.
import type { Agent } from '../agent/agent.ts'
import { channelAgentTransport } from '../agent/channel.ts'
import { type ForwardedSignature, relayAgent } from '../agent/relay.ts'
import { agentInMemory } from '../agent/serve.ts'
import type { AgentTransport } from '../agent/transport.ts'
import { agentConnect } from '../connection/channel-types/agent-connect.ts'
import { authAgent } from '../connection/channel-types/auth-agent.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { agentReq } from '../connection/requests/agent-req.ts'
import { authAgentReq } from '../connection/requests/auth-agent-req.ts'
import { AgentError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import type { Link } from '../io/link.ts'
import type { SessionProof } from '../transport/exchange.ts'
import type { ServedChannels } from './served-channels.ts'

/**
 * An agent: `true` for the usual one, the path of a socket, one in this process, or a function that opens a way to one for each
 * connection from the other end.
 */
export type ForwardedAgent = true | string | Agent | (() => AgentTransport | Promise<AgentTransport>)

/** What somebody at the other end wants of the agent. */
export type ForwardedAgentUse = { readonly about: 'connection' } | ({ readonly about: 'signature' } & ForwardedSignature)

export interface AgentForwarding {
  readonly agent: ForwardedAgent
  /** Asked for each connection to the agent and for each signature; `false` refuses. Default: all are let through. */
  readonly confirm?: (use: ForwardedAgentUse) => boolean | Promise<boolean>
  /** Connections to the agent at once. Default 64. */
  readonly maximumConnections?: number
  /** The server does not forward agents. The session goes on without. */
  readonly onRefused?: () => void
  /** Told in words of each connection that was not let through, or broke; for a log. */
  readonly onNote?: (note: string) => void
}

/** The agent for a session; `false` for none. */
export type ForwardAgent = boolean | Exclude<ForwardedAgent, true> | AgentForwarding

const usualConnections = 64

const forwardingOf = (forward: Exclude<ForwardAgent, false>): AgentForwarding =>
  typeof forward === 'object' && 'agent' in forward ? forward : { agent: forward }

/** Opens the way to the agent at a path, or to the usual one. */
export type ReachAgent = (path: string | undefined) => Promise<AgentTransport>

const noSockets: ReachAgent = () =>
  Promise.reject(new AgentError('AGENT_UNREACHABLE', 'Agents are not reached by sockets here: forward one in this process.'))

export interface AgentForwardFacts {
  readonly link: Link
  readonly served: ServedChannels
  /** What the server proved. */
  readonly proof: SessionProof | undefined
  readonly reach: ReachAgent | undefined
}

/** The agents of one connection's sessions. Channels are taken while a session that asked for it is open. */
export class ForwardedAgents {
  readonly #facts: AgentForwardFacts
  /** Of the sessions that asked and are open, the last first: a channel does not say to which it belongs. */
  #asked: readonly AgentForwarding[] = []
  #connections = 0

  constructor(facts: AgentForwardFacts) {
    this.#facts = facts
    for (const { name } of [authAgent, agentConnect]) facts.served.serve(name, question => this.#opened(question))
  }

  /** Asks the server, before anything is started in the session. */
  ask(port: ChannelPort, forward: Exclude<ForwardAgent, false>): void {
    const forwarding = forwardingOf(forward)
    this.#asked = [forwarding, ...this.#asked]
    const over = (): void => {
      const at = this.#asked.indexOf(forwarding)
      if (at >= 0) this.#asked = this.#asked.toSpliced(at, 1)
    }
    port.whenClosed(over)
    const row = this.#facts.link.engine.peerExtensions?.agentForward === true ? agentReq : authAgentReq
    port.request(row, {}, error => {
      if (error === undefined || port.closed) return
      // OpenSSH's server refuses the second session of a connection, whose agent is the first one's: channels may still come.
      forwarding.onRefused?.()
    })
  }

  #opened(question: OpenQuestion): boolean {
    const forwarding = this.#asked.at(0)
    if (forwarding === undefined) return false
    const most = forwarding.maximumConnections ?? usualConnections
    if (this.#connections >= most) {
      forwarding.onNote?.(`a connection to the agent was refused: there are ${most} already`)
      question.refuse('resource-shortage', 'too many connections to the agent')
      return true
    }
    this.#connections++
    void this.#serve(question, forwarding).finally(() => this.#connections--)
    return true
  }

  #refuse(question: OpenQuestion, reason: 'administratively-prohibited' | 'connect-failed', description: string): void {
    question.refuse(reason, description)
    this.#facts.link.wake()
  }

  /** Never rejects. */
  async #serve(question: OpenQuestion, forwarding: AgentForwarding): Promise<void> {
    const { link, proof } = this.#facts
    const { confirm, onNote } = forwarding
    let agent: AgentTransport | undefined
    try {
      if (confirm !== undefined && !(await confirm({ about: 'connection' }))) {
        onNote?.('a connection to the agent was not allowed')
        this.#refuse(question, 'administratively-prohibited', 'not allowed')
        return
      }
      agent = await this.#reach(forwarding.agent)
    } catch (error) {
      onNote?.(`the agent cannot be reached: ${messageOf(error)}`)
      this.#refuse(question, 'connect-failed', 'the agent cannot be reached')
      return
    }
    try {
      const stream = new ChannelStream(link.accept(question))
      const reached = agent
      // An agent may wait for a person; nobody waits for the agent any more when the channel is gone.
      void stream.closed.then(() => reached.close())
      const client = channelAgentTransport(stream)
      await relayAgent(client, agent, {
        proof,
        ...(confirm === undefined ? {} : { permit: wanted => confirm({ about: 'signature', ...wanted }) }),
      })
    } catch (error) {
      agent.close()
      onNote?.(`a connection to the agent broke: ${messageOf(error)}`)
    }
  }

  #reach(agent: ForwardedAgent): AgentTransport | Promise<AgentTransport> {
    if (typeof agent === 'function') return agent()
    if (typeof agent === 'object') return agentInMemory(agent)
    return (this.#facts.reach ?? noSockets)(agent === true ? undefined : agent)
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

// Owns what tests of the agent share: an agent with a clock by hand, clients over memory, servers that prove sessions, and the data
// of a login. Knows nothing of what is tested.
import { type Agent, type AgentOptions, createAgent } from '../../src/agent/agent.ts'
import { AgentClient } from '../../src/agent/client.ts'
import type { Destination, DestinationHost } from '../../src/agent/constraints.ts'
import { agentInMemory } from '../../src/agent/serve.ts'
import { publickeySignedData } from '../../src/auth/methods/publickey.ts'
import { issueCertificate } from '../../src/keys/authority.ts'
import type { Certificate } from '../../src/keys/certificate.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/clock.ts'
import type { SessionProof } from '../../src/transport/exchange.ts'
import { crypto, privateKey } from '../keys/fixtures.ts'

export interface AgentRig {
  readonly agent: Agent
  readonly clock: VirtualClock
  /** Why requests were refused. */
  readonly notes: string[]
  client(): AgentClient
}

export const agentRig = (options: Partial<AgentOptions> = {}): AgentRig => {
  const clock = virtualClock()
  const notes: string[] = []
  const agent = createAgent({ crypto, clock, onNote: note => notes.push(note), ...options })
  return { agent, clock, notes, client: () => new AgentClient(agentInMemory(agent)) }
}

export const identity = (name: string) => ({ key: privateKey(name), certificate: undefined })

/** A certificate over a key, by another key of the fixtures. */
export const certified = (
  name: string,
  kind: 'user' | 'host' = 'user',
  principals: readonly string[] = ['somebody'],
  by = 'ecdsa521',
): Promise<Certificate> =>
  issueCertificate({
    signer: createSigner(crypto, privateKey(by), by),
    key: privateKey(name).publicKey,
    kind,
    keyId: `${name} certified`,
    principals,
    random: crypto.random,
  })

export const data = new TextEncoder().encode('to be signed')

/** What the server with this key proves of the session `number`. */
export const proofOf = async (name: string, number: number, hostKey = privateKey(name).publicBlob): Promise<SessionProof> => {
  const sessionId = new Uint8Array(32).fill(number)
  const signer = createSigner(crypto, privateKey(name), name)
  return { hostKey, sessionId, signature: await signer.sign(sessionId, signer.algorithms[0]) }
}

/** The bytes a login signs. */
export const loginData = (
  key: string,
  user: string,
  proof: SessionProof,
  options: { readonly namesHost?: boolean; readonly algorithm?: string } = {},
) => {
  const { type, publicBlob } = privateKey(key)
  const session = { sessionId: proof.sessionId, user, service: 'ssh-connection' }
  return publickeySignedData(session, options.algorithm ?? type, publicBlob, options.namesHost === false ? undefined : proof.hostKey)
}

/** The machine of the agent. */
export const here: DestinationHost = { user: '', host: '', keys: [] }

export const host = (name: string, key: string, user = ''): DestinationHost => ({
  user,
  host: name,
  keys: [{ key: privateKey(key).publicBlob, authority: false }],
})

export const way = (from: DestinationHost, to: DestinationHost): Destination => ({ from, to })

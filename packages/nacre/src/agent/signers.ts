// Owns signers made of the keys of an agent. Knows nothing of how the agent is reached, or of who is let in with them.
import { tooWeak } from '../algorithms/signature/strength.ts'
import { algorithmsOfKeyType } from '../algorithms/signature/table.ts'
import { AgentError } from '../errors.ts'
import type { FingerprintHash } from '../keys/fingerprint.ts'
import type { Signer } from '../keys/signer.ts'
import type { SessionProof } from '../transport/exchange.ts'
import type { AgentClient } from './client.ts'

/** Signers for an agent's keys, in its order. */
export type AgentSigners = readonly Signer[]

export interface AgentSignersOptions {
  readonly onNote?: (note: string) => void
  /** How a key is named to `onNote`. Default sha256. */
  readonly fingerprintHash?: FingerprintHash
  /** RSA keys with fewer bits are left out. Default 2048. */
  readonly minimumRsaBits?: number
  /**
   * What the server proved to whom the keys shall log in. The agent is told before anything else, so that keys restricted to
   * destinations are listed and sign. An agent that does not know of that is used as it is.
   */
  readonly proof?: SessionProof
}

const algorithmsOf = (type: string): readonly string[] =>
  type === 'ssh-rsa-cert-v01@openssh.com'
    ? ['rsa-sha2-512-cert-v01@openssh.com', 'rsa-sha2-256-cert-v01@openssh.com']
    : algorithmsOfKeyType(type)

/** True when the agent took the session. */
const bind = async (agent: AgentClient, proof: SessionProof | undefined): Promise<boolean> => {
  if (proof === undefined) return false
  try {
    await agent.bindSession(proof, false)
    return true
  } catch (error) {
    if (error instanceof AgentError && error.code === 'AGENT_REFUSED') return false
    throw error
  }
}

/** A signer for each key of the agent; those too weak to be used are left out and told to `onNote`. Throws `AgentError`. */
export const agentSigners = async (agent: AgentClient, options: AgentSignersOptions = {}): Promise<AgentSigners> => {
  const signers: Signer[] = []
  const namesHost = await bind(agent, options.proof)
  for (const { publicKey } of await agent.list()) {
    const weakness = publicKey.numbers === undefined ? undefined : tooWeak(publicKey.numbers, options.minimumRsaBits)
    if (weakness !== undefined) {
      options.onNote?.(`The agent's key ${publicKey.fingerprint(options.fingerprintHash)} ${weakness}, so it is not used.`)
      continue
    }
    const algorithms = algorithmsOf(publicKey.type)
    signers.push({
      publicKey,
      algorithms,
      source: 'agent',
      slow: true,
      ...(namesHost ? { namesHost } : {}),
      sign: (data, algorithm) => {
        if (!algorithms.includes(algorithm)) throw new TypeError(`a ${publicKey.type} key cannot sign as ${algorithm}`)
        return agent.sign(publicKey.blob, data, algorithm)
      },
    })
  }
  return signers
}

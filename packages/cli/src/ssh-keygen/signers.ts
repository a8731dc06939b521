// Owns what `ssh-keygen` signs with: keys of files, and those of the agent. Knows nothing of what is signed.
import { agentSigners, SshError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { createSigner, type PublicKey, type Signer } from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError } from '../fatal.ts'
import { usualAgent } from '../usual-agent.ts'
import type { KeygenCall } from './call.ts'
import { loadIdentity } from './key-files.ts'

/** OpenSSH signs with what it takes: from 1024 bits on. */
const weakestRsaBits = 1024

/** The agent's signer for a key. `undefined` when the agent has no such key, and when there is no agent. */
export const agentSigner = async (key: PublicKey, environment: Environment): Promise<Signer | undefined> => {
  try {
    const agent = await usualAgent(environment)
    if (agent === undefined) return undefined
    return (await agentSigners(agent, { minimumRsaBits: weakestRsaBits })).find(each => each.publicKey.equals(key))
  } catch (error) {
    if (error instanceof SshError) return undefined
    throw error
  }
}

/** A signer for a private key file. Throws `FatalError`. */
export const fileSigner = async (path: string, call: KeygenCall, environment: Environment): Promise<Signer> => {
  const { key } = await loadIdentity(path, call, environment)
  try {
    return createSigner(nodeCrypto(), key, path, { minimumRsaBits: weakestRsaBits })
  } catch (error) {
    if (error instanceof SshError) throw new FatalError(error.message)
    throw error
  }
}

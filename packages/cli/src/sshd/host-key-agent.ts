// Owns host keys whose private halves an agent holds (HostKeyAgent): which agent, finding a key in it, signing by it. Knows nothing
// of which files name keys.
import { existsSync, readFileSync } from 'node:fs'
import { ConfigError } from 'nacre'
import { agentSigners, connectAgent } from 'nacre/agent'
import { isCertificateType, parsePublicKeyLine, type PublicKey, type Signer } from 'nacre/keys'

/** The socket HostKeyAgent names; `undefined` for none. Throws `ConfigError` when it names a variable that is not set. */
export const hostKeyAgentPath = (value: string, variables: Readonly<Record<string, string | undefined>>): string | undefined => {
  if (value.toLowerCase() === 'none') return undefined
  if (value !== 'SSH_AUTH_SOCK') return value
  const path = variables.SSH_AUTH_SOCK
  if (path === undefined || path === '') throw new ConfigError('HostKeyAgent is SSH_AUTH_SOCK, and that variable is not set.')
  return path
}

/** The public half a HostKey line leads to: in the file itself, or beside it. */
const publicHalf = (path: string): PublicKey | undefined => {
  for (const place of [path, `${path}.pub`]) {
    if (!existsSync(place)) continue
    const text = readFileSync(place, 'utf8')
    if (text.includes('PRIVATE KEY')) continue
    const key = parsePublicKeyLine(text.trim(), place)
    if (!isCertificateType(key.type)) return key
  }
  return undefined
}

/** Host keys by one agent. */
export interface HostKeyAgent {
  /** A signer for the key whose public half lies at `path`; `undefined` when none lies there. Rejects when the agent lacks it. */
  signerFor(path: string): Promise<Signer | undefined>
}

/** The agent at `socket`. It is connected to for each signature: it may be started again while the server runs. */
export const hostKeyAgent = (socket: string, minimumRsaBits: number): HostKeyAgent => {
  const found = async (key: PublicKey): Promise<{ readonly signer: Signer; close(): void } | undefined> => {
    const client = await connectAgent(socket)
    try {
      const signer = (await agentSigners(client, { minimumRsaBits })).find(each => each.publicKey.equals(key))
      if (signer !== undefined) return { signer, close: () => client.close() }
    } catch (error) {
      client.close()
      throw error
    }
    client.close()
    return undefined
  }
  const missing = (path: string): ConfigError => new ConfigError(`the agent at ${socket} does not hold the key that ${path} names`)
  return {
    signerFor: async path => {
      const key = publicHalf(path)
      if (key === undefined) return undefined
      const first = await found(key)
      if (first === undefined) throw missing(path)
      first.close()
      const { publicKey, algorithms } = first.signer
      return {
        publicKey,
        algorithms,
        source: path,
        slow: true,
        sign: async (data, algorithm) => {
          const now = await found(key)
          if (now === undefined) throw missing(path)
          try {
            return await now.signer.sign(data, algorithm)
          } finally {
            now.close()
          }
        },
      }
    },
  }
}

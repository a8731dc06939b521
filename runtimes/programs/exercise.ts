// Owns what a client does in every runtime, to see that it works there: a command, much both ways, a new key exchange.
// Knows neither how the connection came about nor what the runtime is.
import type { ClientConnection } from 'nacre/web'

const size = 8 * 1024 * 1024

/** Bytes that look random and are the same each time (xorshift32). */
const patterned = (count: number): Uint8Array => {
  const bytes = new Uint8Array(count)
  let state = 0x9e3779b1
  for (let i = 0; i < count; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 8
  }
  return bytes
}

/** Throws when anything comes back otherwise than it should. */
export const exercise = async (client: ClientConnection): Promise<void> => {
  const { stdout, code } = await client.run('echo hello; exit 3')
  if (stdout !== 'hello\n' || code !== 3) throw new Error(`a command gave ${JSON.stringify(stdout)} and ${code}`)
  const sent = patterned(size)
  const { stdoutBytes } = await client.run('cat', { input: sent, maximumOutput: size + 1 })
  if (stdoutBytes.length !== size) throw new Error(`of ${size} bytes ${stdoutBytes.length} came back`)
  for (let i = 0; i < size; i++) if (stdoutBytes[i] !== sent[i]) throw new Error(`byte ${i} came back changed`)
}

/** Where to, and with what. */
export interface Given {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly user: string
  readonly fingerprints: readonly string[]
  /** Private keys in OpenSSH's format: each logs in once. */
  readonly keys: readonly string[]
  /** Algorithms of one more connection each; left out, whatever is agreed. */
  readonly choices: readonly { readonly kex?: string; readonly ciphers?: string }[]
}

export interface Done {
  readonly name: string
  /** Key exchange and cipher of each connection. */
  readonly agreed: readonly string[]
}

// Owns what all peers have in common: how a login is described, what a server and a client of another implementation
// look like to a test. Knows nothing of any of them.
import type { Finished, FinishOptions, Running, StartOptions } from '../rig/process.ts'
import type { KeyFile } from '../rig/keys.ts'

/** How to log in, from a client's side. A chain is passed step by step. */
export interface Login {
  readonly key?: KeyFile
  readonly password?: string
  /** The answers to keyboard-interactive, in order. */
  readonly answers?: readonly string[]
}

/** Where to. `hostKeys` are the ones the client is told to trust, as `type base64`. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKeys: readonly string[]
}

/** What a test asks of a client, whichever it is. */
export interface ClientRequest extends Omit<FinishOptions, 'name' | 'env' | 'cwd'> {
  readonly to: Target
  readonly login: Login
  /** `undefined` for a shell. */
  readonly command: string | undefined
  readonly pty?: boolean
  /** Start a new key exchange after this many bytes, where the client can. */
  readonly rekeyBytes?: number
  /** Ask for compression, where the client can. */
  readonly compress?: boolean
  /** Options of this client only. */
  readonly options?: readonly string[]
}

/** A program ready to be started. */
export interface Prepared {
  readonly command: readonly string[]
  readonly options: StartOptions
}

export interface ClientPeer {
  readonly name: string
  run(request: ClientRequest): Promise<Finished>
}

/** What a server takes as proof. */
export interface Accepts {
  /** Keys that may log in. */
  readonly keys?: readonly KeyFile[]
  readonly password?: string
  /** Prompts of keyboard-interactive and the answers wanted. */
  readonly prompts?: readonly { readonly prompt: string; readonly echo: boolean; readonly answer: string }[]
  /** All of these, in this order, are needed; otherwise any one will do. */
  readonly chain?: readonly string[]
}

export interface ServerOptions {
  readonly accepts: Accepts
  readonly hostKeys?: readonly KeyFile[]
  readonly rekeyBytes?: number
  /** Offer compression, where the server does not anyway. */
  readonly compress?: boolean
}

export interface PeerServer extends AsyncDisposable {
  readonly name: string
  readonly to: Target
  readonly process: Running
}

/** A prompt that only says once what it wants; the usual one of the tests. */
export const tokenPrompt = { prompt: 'Token: ', echo: false, answer: 'seven green bottles' } as const

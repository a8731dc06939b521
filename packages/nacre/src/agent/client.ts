// Owns the client's side of the agent protocol (RFC 9987) over any two-way byte stream, and signers made of an agent's
// keys. Knows nothing of sockets. One request at a time is under way; others wait in order.
import { algorithmsOfKeyType } from '../algorithms/signature/table.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import { signatureNameOf } from '../auth/signature-names.ts'
import { AgentError, escapeForPeople, WireError } from '../errors.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { signatureBlob } from '../keys/verify.ts'
import { decode } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import {
  decodeAgentMessage,
  encodeAgentMessage,
  Failure,
  IdentitiesAnswer,
  maximumAgentMessage,
  RequestIdentities,
  SignRequest,
  SignResponse,
  signFlags,
} from './messages.ts'

/** A two-way byte stream to an agent. */
export interface AgentTransport {
  write(bytes: Uint8Array): void | Promise<void>
  /** The next bytes, in pieces of any size; `undefined` at the end. Only called while an answer is awaited. */
  read(): Promise<Uint8Array | undefined>
  close(): void
}

export interface AgentKey {
  readonly publicKey: PublicKey
  readonly comment: string
}

/** Collects pieces until a whole message is there. */
const readFrame = async (transport: AgentTransport): Promise<Uint8Array> => {
  let held = new Uint8Array(0)
  for (;;) {
    if (held.length >= 4) {
      const length = new Reader(held).uint32()
      if (length === 0 || length > maximumAgentMessage)
        throw new AgentError('AGENT_MALFORMED', `The agent sent a message of ${length} bytes; 1 to ${maximumAgentMessage} are allowed.`)
      if (held.length > length + 4) throw new AgentError('AGENT_MALFORMED', 'The agent sent more than it was asked for.')
      if (held.length === length + 4) return held.subarray(4)
    }
    const piece = await transport.read()
    if (piece === undefined) throw new AgentError('AGENT_UNREACHABLE', 'The agent closed the connection before it answered.')
    const grown = new Uint8Array(held.length + piece.length)
    grown.set(held)
    grown.set(piece, held.length)
    held = grown
  }
}

/** Speaks to one agent. After a failure of the stream or a malformed answer every further request fails the same way. */
export class AgentClient {
  readonly #transport: AgentTransport
  #last: Promise<unknown> = Promise.resolve()
  #broken: AgentError | undefined

  constructor(transport: AgentTransport) {
    this.#transport = transport
  }

  /** The keys the agent offers. Entries that are no key blobs are left out. Throws `AgentError`. */
  async list(): Promise<readonly AgentKey[]> {
    const payload = await this.#ask(encodeAgentMessage(RequestIdentities, {}))
    if (payload[0] === Failure.number)
      throw new AgentError('AGENT_REFUSED', 'The agent refused to list its keys; it may be locked (ssh-add -X unlocks).')
    const keys: AgentKey[] = []
    for (const { publicKey, comment } of this.#decode(IdentitiesAnswer, payload).keys) {
      try {
        keys.push({ publicKey: parsePublicKey(publicKey).withComment(comment), comment })
      } catch (error) {
        // One odd key must not hide the others.
        if (!(error instanceof WireError)) throw error
      }
    }
    return keys
  }

  /**
   * A whole signature blob over `data` by the key `publicKey`, made with `algorithm`. Throws `AgentError`: AGENT_REFUSED
   * when the agent says no or signs with another algorithm than asked for, as agents from before 2018 do.
   */
  async sign(publicKey: Uint8Array, data: Uint8Array, algorithm: string): Promise<Uint8Array> {
    const payload = await this.#ask(encodeAgentMessage(SignRequest, { publicKey, data, flags: signFlags[algorithm] ?? 0 }))
    if (payload[0] === Failure.number) {
      throw new AgentError(
        'AGENT_REFUSED',
        'The agent refused to sign: the key was removed, locked, or a confirmation or touch was not given.',
      )
    }
    const { signature } = this.#decode(SignResponse, payload)
    const made = this.#guard(() => new Reader(signature).text())
    if (made !== signatureNameOf(algorithm)) {
      throw new AgentError(
        'AGENT_REFUSED',
        `The agent signed with ${escapeForPeople(made, { limit: 64 })} where ${algorithm} was asked for; it may be too old for that.`,
      )
    }
    if (signFlags[algorithm] !== undefined) this.#guard(() => decode(signatureBlob, signature))
    return new Uint8Array(signature)
  }

  /** Ends the connection to the agent. */
  close(): void {
    this.#broken ??= new AgentError('AGENT_UNREACHABLE', 'The connection to the agent was closed.')
    this.#transport.close()
  }
  [Symbol.dispose](): void {
    this.close()
  }

  #decode<T>(of: Parameters<typeof decodeAgentMessage<T>>[0], payload: Uint8Array): T {
    if (payload[0] !== of.number)
      throw this.#fail(new AgentError('AGENT_MALFORMED', `The agent answered with message ${payload[0]} where ${of.name} belongs.`))
    return this.#guard(() => decodeAgentMessage(of, payload))
  }

  #guard<T>(read: () => T): T {
    try {
      return read()
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw this.#fail(new AgentError('AGENT_MALFORMED', `The agent's answer cannot be read: ${cause.message}.`, { cause }))
    }
  }

  #fail(error: AgentError): AgentError {
    this.#broken ??= error
    this.#transport.close()
    return error
  }

  #ask(request: Uint8Array): Promise<Uint8Array> {
    const turn = this.#last.then(async () => {
      if (this.#broken !== undefined) throw this.#broken
      if (request.length > maximumAgentMessage) throw new TypeError(`a request of ${request.length} bytes is more than an agent takes`)
      try {
        await this.#transport.write(request)
        return await readFrame(this.#transport)
      } catch (cause) {
        if (cause instanceof AgentError) throw this.#fail(cause)
        throw this.#fail(
          new AgentError('AGENT_UNREACHABLE', `The agent cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, {
            cause,
          }),
        )
      }
    })
    this.#last = turn.catch(() => {})
    return turn
  }
}

/** Signers for an agent's keys, in its order. */
export type AgentSigners = readonly Signer[]

const algorithmsOf = (type: string): readonly string[] =>
  type === 'ssh-rsa-cert-v01@openssh.com'
    ? ['rsa-sha2-512-cert-v01@openssh.com', 'rsa-sha2-256-cert-v01@openssh.com']
    : algorithmsOfKeyType(type)

/** A signer for each key of the agent; those too weak to be used are left out and told to `onNote`. Throws `AgentError`. */
export const agentSigners = async (
  agent: AgentClient,
  options: { readonly onNote?: (note: string) => void } = {},
): Promise<AgentSigners> => {
  const signers: Signer[] = []
  for (const { publicKey } of await agent.list()) {
    const weakness = publicKey.numbers === undefined ? undefined : tooWeak(publicKey.numbers)
    if (weakness !== undefined) {
      options.onNote?.(`The agent's key ${publicKey.fingerprint()} ${weakness}, so it is not used.`)
      continue
    }
    const algorithms = algorithmsOf(publicKey.type)
    signers.push({
      publicKey,
      algorithms,
      source: 'agent',
      slow: true,
      sign: (data, algorithm) => {
        if (!algorithms.includes(algorithm)) throw new TypeError(`a ${publicKey.type} key cannot sign as ${algorithm}`)
        return agent.sign(publicKey.blob, data, algorithm)
      },
    })
  }
  return signers
}

// Owns the client's side of the agent protocol (RFC 9987, OpenSSH PROTOCOL.agent) over any two-way byte stream. Knows nothing
// of sockets. One request at a time is under way; others wait in order.
import { signatureNameOf } from '../auth/signature-names.ts'
import { AgentError, escapeForPeople, SshError, WireError } from '../errors.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import { signatureBlob } from '../keys/verify.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { type Codec, decode, encode } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { isConstrained, type KeyConstraints } from './constraints.ts'
import { FrameReader } from './frames.ts'
import type { AgentIdentity } from './identity.ts'
import {
  AddIdConstrained,
  AddIdentity,
  AddSmartcardKey,
  AddSmartcardKeyConstrained,
  agentExtensions,
  decodeAgentMessage,
  encodeAgentMessage,
  Extension,
  ExtensionFailure,
  extensionNames,
  ExtensionResponse,
  Failure,
  IdentitiesAnswer,
  Lock,
  maximumAgentMessage,
  RemoveAllIdentities,
  RemoveAllRsaIdentities,
  RemoveIdentity,
  RemoveSmartcardKey,
  RequestIdentities,
  sessionBinding,
  signFlags,
  SignRequest,
  SignResponse,
  Success,
  Unlock,
} from './messages.ts'
import type { AgentTransport } from './transport.ts'

export interface AgentKey {
  readonly publicKey: PublicKey
  readonly comment: string
}

/** Collects pieces until a whole message is there. */
const readFrame = async (transport: AgentTransport): Promise<Uint8Array> => {
  const frames = new FrameReader()
  for (;;) {
    let payload: Uint8Array | undefined
    try {
      payload = frames.next()
    } catch (cause) {
      if (!(cause instanceof WireError)) throw cause
      throw new AgentError('AGENT_MALFORMED', `The agent sent ${cause.message}.`, { cause })
    }
    if (payload !== undefined) {
      if (!frames.empty) throw new AgentError('AGENT_MALFORMED', 'The agent sent more than it was asked for.')
      return payload
    }
    const piece = await transport.read()
    if (piece === undefined) throw new AgentError('AGENT_UNREACHABLE', 'The agent closed the connection before it answered.')
    frames.feed(piece)
  }
}

const refused = (message: string): AgentError => new AgentError('AGENT_REFUSED', message)

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
    if (payload[0] === Failure.number) throw refused('The agent refused to list its keys; it may be locked (ssh-add -X unlocks).')
    const keys: AgentKey[] = []
    for (const { publicKey, comment } of this.#decode(IdentitiesAnswer, payload).keys) {
      try {
        keys.push({ publicKey: parsePublicKey(publicKey).withComment(comment), comment })
      } catch (error) {
        // One odd key must not hide the others.
        if (!(error instanceof SshError)) throw error
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
    if (payload[0] === Failure.number)
      throw refused('The agent refused to sign: the key was removed, locked, or a confirmation or touch was not given.')
    const { signature } = this.#decode(SignResponse, payload)
    const made = this.#guard(() => new Reader(signature).text())
    // A key in a token may sign as browsers do; that is another form of the same algorithm.
    if (made !== signatureNameOf(algorithm) && made !== `webauthn-${signatureNameOf(algorithm)}`) {
      throw refused(
        `The agent signed with ${escapeForPeople(made, { limit: 64 })} where ${algorithm} was asked for; it may be too old for that.`,
      )
    }
    if (signFlags[algorithm] !== undefined) this.#guard(() => decode(signatureBlob, signature))
    return new Uint8Array(signature)
  }

  /** Gives the agent a key to hold. Throws `AgentError` AGENT_REFUSED when it does not take the key or one of its constraints. */
  async add(identity: AgentIdentity, comment: string, constraints: KeyConstraints = {}): Promise<void> {
    const request = isConstrained(constraints)
      ? encodeAgentMessage(AddIdConstrained, { identity, comment, constraints })
      : encodeAgentMessage(AddIdentity, { identity, comment })
    try {
      await this.#command(request, 'The agent did not take the key, or one of the constraints on it.')
    } finally {
      request.fill(0)
    }
  }

  /** Makes the agent forget a key or certificate. Throws `AgentError` AGENT_REFUSED when it has none such. */
  async remove(publicKey: Uint8Array): Promise<void> {
    await this.#command(encodeAgentMessage(RemoveIdentity, { publicKey }), 'The agent did not remove the key; it may not have it.')
  }

  /** Makes the agent forget all keys. */
  async removeAll(): Promise<void> {
    await this.#command(encodeAgentMessage(RemoveAllIdentities, {}), 'The agent did not remove its keys; it may be locked.')
  }

  /** As `removeAll`, in the words of SSH 1, which some old agents keep other keys by. */
  async removeAllOfVersion1(): Promise<void> {
    await this.#command(encodeAgentMessage(RemoveAllRsaIdentities, {}), 'The agent did not remove keys of SSH 1.')
  }

  /** Locks the agent until `unlock` with the same passphrase. */
  async lock(passphrase: string | Uint8Array): Promise<void> {
    await this.#secret(Lock, passphrase, 'The agent did not lock itself; it may be locked already.')
  }

  async unlock(passphrase: string | Uint8Array): Promise<void> {
    await this.#secret(Unlock, passphrase, 'The agent did not unlock: the passphrase is not right, or it was not locked.')
  }

  /** Makes the agent take the keys of a token. `reader` is the path of a PKCS#11 library for OpenSSH's. */
  async addCard(reader: string, pin: string, constraints: KeyConstraints = {}): Promise<void> {
    const request = isConstrained(constraints)
      ? encodeAgentMessage(AddSmartcardKeyConstrained, { reader, pin, constraints })
      : encodeAgentMessage(AddSmartcardKey, { reader, pin })
    try {
      await this.#command(request, 'The agent did not take the keys of the token.')
    } finally {
      request.fill(0)
    }
  }

  async removeCard(reader: string, pin = ''): Promise<void> {
    const request = encodeAgentMessage(RemoveSmartcardKey, { reader, pin })
    try {
      await this.#command(request, 'The agent did not give up the keys of the token.')
    } finally {
      request.fill(0)
    }
  }

  /** The extensions the agent says it has (RFC 9987 §3.8.1). Throws `AgentError` AGENT_REFUSED when it does not say. */
  async query(): Promise<readonly string[]> {
    const answer = await this.extension(agentExtensions.query)
    const reader = new Reader(answer)
    return this.#guard(() => extensionNames.read(reader))
  }

  /**
   * Binds this connection to a session with a server (`session-bind@openssh.com`), so that the agent knows where its keys are
   * used. `forwarding`: the connection will be handed on to that server. Throws `AgentError` AGENT_REFUSED when the agent does
   * not know the extension or does not believe it.
   */
  async bindSession({ hostKey, sessionId, signature }: SessionProof, forwarding: boolean): Promise<void> {
    await this.extension(agentExtensions.sessionBind, encode(sessionBinding, { hostKey, sessionId, signature, forwarding }))
  }

  /** Asks for an extension by its name. The contents of the answer, which are empty for a mere success. */
  async extension(extension: string, contents: Uint8Array = new Uint8Array(0)): Promise<Uint8Array> {
    const payload = await this.#ask(encodeAgentMessage(Extension, { extension, contents }))
    if (payload[0] === Failure.number || payload[0] === ExtensionFailure.number)
      throw refused(`The agent refused "${escapeForPeople(extension, { limit: 64 })}", or does not know it.`)
    if (payload[0] === Success.number) {
      this.#decode(Success, payload)
      return new Uint8Array(0)
    }
    const answer = this.#decode(ExtensionResponse, payload)
    if (answer.extension !== extension)
      throw this.#fail(new AgentError('AGENT_MALFORMED', 'The agent answered with another extension than the one it was asked for.'))
    return answer.contents
  }

  /** Ends the connection to the agent. */
  close(): void {
    this.#broken ??= new AgentError('AGENT_UNREACHABLE', 'The connection to the agent was closed.')
    this.#transport.close()
  }
  [Symbol.dispose](): void {
    this.close()
  }

  async #secret(message: typeof Lock, passphrase: string | Uint8Array, refusal: string): Promise<void> {
    const bytes = typeof passphrase === 'string' ? new TextEncoder().encode(passphrase) : passphrase
    const request = encodeAgentMessage(message, { passphrase: bytes })
    try {
      await this.#command(request, refusal)
    } finally {
      request.fill(0)
    }
  }

  /** A request whose answer is success or failure. */
  async #command(request: Uint8Array, refusal: string): Promise<void> {
    const payload = await this.#ask(request)
    if (payload[0] === Failure.number || payload[0] === ExtensionFailure.number) throw refused(refusal)
    this.#decode(Success, payload)
  }

  #decode<T>(of: Codec<T> & Parameters<typeof decodeAgentMessage<T>>[0], payload: Uint8Array): T {
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

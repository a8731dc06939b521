// Owns one conversation of an agent: what each request is answered with, and what the conversation was bound to. A request that
// is malformed, refused or fails for whatever reason is answered by FAILURE; nothing of it reaches the caller.
import { escapeForPeople, WireError } from '../errors.ts'
import { sameBlob } from '../keys/public.ts'
import { decode, encode } from '../wire/codec.ts'
import type { Agent } from './agent.ts'
import type { KeyConstraints } from './constraints.ts'
import { type Binding, permitted } from './destinations.ts'
import { type AgentIdentity, identityBlob } from './identity.ts'
import type { HeldKey } from './key-store.ts'
import {
  AddIdConstrained,
  AddIdentity,
  type AgentMessage,
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
  RemoveAllIdentities,
  RemoveAllRsaIdentities,
  RemoveIdentity,
  RequestIdentities,
  sessionBinding,
  SignRequest,
  SignResponse,
  Success,
  Unlock,
} from './messages.ts'
import { isFileSignature, type LoginRequest, loginRequest } from './requests.ts'

/** Sessions one connection may be bound to, hop after hop; as OpenSSH's agent. */
const mostBindings = 16
const longestSessionId = 128

const success = (done: boolean): Uint8Array => (done ? encodeAgentMessage(Success, {}) : encodeAgentMessage(Failure, {}))

/** A refusal, in words for the log. */
class Refused extends Error {}

const isInToken = ({ key }: AgentIdentity): boolean => ['sk-ed25519', 'sk-ecdsa'].includes(key.revealNumbers().kind)

type Handler = (session: AgentSession, payload: Uint8Array) => Uint8Array | Promise<Uint8Array>

const handler = <T>(
  message: AgentMessage<T>,
  act: (session: AgentSession, value: T) => Uint8Array | Promise<Uint8Array>,
): readonly [number, Handler] => [message.number, (session, payload) => act(session, decodeAgentMessage(message, payload))]

/** A conversation with somebody new. Its answers come from here; bytes are for `serveAgent`. */
export class AgentSession {
  readonly #agent: Agent
  #bindings: Binding[] = []
  #attempted = false

  constructor(agent: Agent) {
    this.#agent = agent
  }

  /** The answer to a payload (number, then fields), with its length before it. Never rejects. */
  async answer(payload: Uint8Array): Promise<Uint8Array> {
    const act = handlers.get(payload[0])
    try {
      if (act === undefined) throw new Refused(`message ${payload[0]} is not known`)
      if (this.#agent.lock.locked && !whileLocked.has(payload[0])) throw new Refused('the agent is locked')
      return await act(this, payload)
    } catch (error) {
      // Whatever a request does, or a key, a person's tool or a token: the others go on.
      this.#noteFailure(payload[0], error)
      return encodeAgentMessage(Failure, {})
    }
  }

  list(): Uint8Array {
    // OpenSSH's tools take an empty list for what it is; a failure would look like a broken agent.
    const keys = this.#agent.lock.locked ? [] : this.#agent.keys.all().filter(key => this.#sees(key))
    return encodeAgentMessage(IdentitiesAnswer, { keys: keys.map(({ publicKey, comment }) => ({ publicKey: publicKey.blob, comment })) })
  }

  async sign(publicKey: Uint8Array, data: Uint8Array, flags: number): Promise<Uint8Array> {
    const { keys, lock } = this.#agent
    const key = keys.find(publicKey)
    if (key === undefined) throw new Refused('a key to sign with that is not here')
    const login = loginRequest(data, publicKey)
    if (key.destinations.length > 0) this.#checkDestination(key, login)
    if (key.confirm) await this.#confirm(key, key.destinations.length > 0 ? login?.user : undefined)
    // A person may take a minute, and the key may be gone meanwhile.
    if (lock.locked || keys.find(publicKey) !== key) throw new Refused('the key was removed or the agent locked before it could sign')
    const { securityKey } = key
    if (
      securityKey !== undefined &&
      !this.#agent.isWebsafe(securityKey.numbers.application) &&
      login === undefined &&
      !isFileSignature(data)
    )
      throw new Refused('a security key of a web page was to sign what is no login and no file')
    return encodeAgentMessage(SignResponse, { signature: await key.sign(data, flags) })
  }

  async add(identity: AgentIdentity, comment: string, constraints: KeyConstraints): Promise<Uint8Array> {
    if (constraints.associatedCertificates !== undefined) throw new Refused('certificates for a token beside a key that is in none')
    if (isInToken(identity) && this.#agent.options.signBySecurityKey === undefined)
      throw new Refused('a key that lies in a security key, which this agent cannot reach')
    const provider = await this.#provider(identity, constraints.skProvider)
    if (this.#agent.lock.locked) throw new Refused('the agent is locked')
    const there = this.#agent.keys.find(identityBlob(identity))
    if (there !== undefined && !this.#sees(there)) throw new Refused('a key was to be replaced that is not visible here')
    const { skProvider: _, ...others } = constraints
    const done = this.#agent.take(identity, comment, provider === undefined ? others : { ...others, skProvider: provider })
    if (!done) throw new Refused('more keys than may be held')
    return success(true)
  }

  remove(publicKey: Uint8Array): Uint8Array {
    const key = this.#agent.keys.find(publicKey)
    if (key === undefined || !this.#sees(key)) throw new Refused('a key to remove that is not here')
    this.#agent.keys.remove(key)
    return success(true)
  }

  removeAll(): Uint8Array {
    this.#agent.removeAll()
    return success(true)
  }

  async lock(passphrase: Uint8Array): Promise<Uint8Array> {
    const done = await this.#agent.lock.lock(passphrase)
    passphrase.fill(0)
    return success(done)
  }

  async unlock(passphrase: Uint8Array): Promise<Uint8Array> {
    const done = await this.#agent.lock.unlock(passphrase)
    passphrase.fill(0)
    return success(done)
  }

  extension(name: string, contents: Uint8Array): Uint8Array {
    if (name === agentExtensions.sessionBind) return this.#tryBind(contents)
    if (this.#agent.lock.locked) throw new Refused('the agent is locked')
    if (name !== agentExtensions.query) return success(false)
    if (contents.length > 0) throw new WireError('a query with contents')
    return encodeAgentMessage(ExtensionResponse, {
      extension: agentExtensions.query,
      contents: encode(extensionNames, [agentExtensions.sessionBind]),
    })
  }

  #noteFailure(number: number, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    const kind = error instanceof WireError ? 'malformed' : error instanceof Refused ? 'refused' : 'failed'
    this.#agent.note(`request ${number} ${kind}: ${escapeForPeople(why, { limit: 300 })}`)
  }

  /** An extension that is known and fails has an answer of its own (RFC 9987 §3.8). */
  #tryBind(contents: Uint8Array): Uint8Array {
    try {
      return this.#bind(contents)
    } catch (error) {
      this.#noteFailure(Extension.number, error)
      return encodeAgentMessage(ExtensionFailure, {})
    }
  }

  /** OpenSSH PROTOCOL.agent §1. */
  #bind(contents: Uint8Array): Uint8Array {
    this.#attempted = true
    const { hostKey, sessionId, signature, forwarding } = decode(sessionBinding, contents)
    if (sessionId.length > longestSessionId) throw new Refused('a session identifier that is too long')
    if (!this.#agent.proves(hostKey, sessionId, signature)) throw new Refused('a session whose server did not prove itself')
    for (const bound of this.#bindings) {
      if (!bound.forwarded) throw new Refused('a connection that was bound for a login was to be bound again')
      if (!sameBlob(bound.sessionId, sessionId)) continue
      if (sameBlob(bound.hostKey, hostKey)) return success(true)
      throw new Refused('a session that is bound to another key')
    }
    if (this.#bindings.length >= mostBindings) throw new Refused('too many sessions on one connection')
    this.#bindings.push({ hostKey: hostKey.slice(), sessionId: sessionId.slice(), forwarded: forwarding })
    return success(true)
  }

  #sees(key: HeldKey): boolean {
    return this.#permits(key, undefined)
  }

  #permits(key: HeldKey, user: string | undefined): boolean {
    return permitted(key.destinations, { bindings: this.#bindings, attempted: this.#attempted }, user, this.#agent.certifies)
  }

  /** Throws `Refused` unless the request is a login at the server that was bound last, as one of the ways allows. */
  #checkDestination(key: HeldKey, login: LoginRequest | undefined): void {
    const last = this.#bindings.at(-1)
    if (last === undefined) throw new Refused('a key restricted to destinations was to sign over a connection that is not bound')
    if (login === undefined) throw new Refused('a key restricted to destinations was to sign what is no login')
    if (!this.#permits(key, login.user)) throw new Refused('a key restricted to destinations was to sign for another')
    if (!sameBlob(login.sessionId, last.sessionId)) throw new Refused('a login in another session than was bound last')
    if (this.#bindings.length > 1 && login.hostKey === undefined)
      throw new Refused('a login over a forwarded connection that names no server')
    if (login.hostKey !== undefined && !sameBlob(login.hostKey, last.hostKey))
      throw new Refused('a login at another server than was bound last')
  }

  async #confirm({ publicKey, comment }: HeldKey, user: string | undefined): Promise<void> {
    const allowed = await this.#agent.confirm({ publicKey, comment, user })
    if (!allowed) throw new Refused('the person did not allow the use of a key')
  }

  /** The library a key of a token is used by; throws `Refused` when it may not be. */
  async #provider(identity: AgentIdentity, named: string | undefined): Promise<string | undefined> {
    if (named === undefined) return undefined
    if (!isInToken(identity)) throw new Refused('a library for a key that is in no token')
    if (named.toLowerCase() === 'internal') return 'internal'
    const { allowRemoteProviders, resolveProvider } = this.#agent.options
    if (this.#attempted && allowRemoteProviders !== true) throw new Refused('a library was named over a forwarded connection')
    const path = await resolveProvider?.(named)
    if (path === undefined) throw new Refused('a library that may not be used')
    return path
  }
}

const handlers: ReadonlyMap<number, Handler> = new Map([
  handler(RequestIdentities, session => session.list()),
  handler(SignRequest, (session, { publicKey, data, flags }) => session.sign(publicKey, data, flags)),
  handler(AddIdentity, (session, { identity, comment }) => session.add(identity, comment, {})),
  handler(AddIdConstrained, (session, { identity, comment, constraints }) => session.add(identity, comment, constraints)),
  handler(RemoveIdentity, (session, { publicKey }) => session.remove(publicKey)),
  handler(RemoveAllIdentities, session => session.removeAll()),
  handler(RemoveAllRsaIdentities, session => session.removeAll()),
  handler(Lock, (session, { passphrase }) => session.lock(passphrase)),
  handler(Unlock, (session, { passphrase }) => session.unlock(passphrase)),
  handler(Extension, (session, { extension, contents }) => session.extension(extension, contents)),
])

/** What a locked agent answers: an empty list, bindings, and the passphrase. */
const whileLocked: ReadonlySet<number> = new Set([RequestIdentities.number, Unlock.number, Extension.number])

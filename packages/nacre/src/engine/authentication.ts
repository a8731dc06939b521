// Owns the way from the first key exchange to a user who is logged in: the service request (RFC 4253 §10) and the dialogue
// of our role. Knows nothing of packets in and out, or of what follows.
import { clientAuthentication, type ClientAuthResult } from '../auth/client.ts'
import { authenticationError } from '../auth/explain.ts'
import type { Credential, CredentialQuestion } from '../auth/questions.ts'
import { serverAuthentication, type ServerAuthResult } from '../auth/server.ts'
import { type AuthenticationAttempt, escapeForPeople, ProtocolError } from '../errors.ts'
import { fingerprintOfKey, plainClaim } from '../keys/certified-signer.ts'
import { proveSignature } from '../keys/verify.ts'
import { ServiceAccept, ServiceRequest } from '../transport/messages.ts'
import type { Ask, Dialogue } from '../wire/dialogue.ts'
import { DialogueRunner } from '../wire/dialogue-runner.ts'
import type { Message } from '../wire/message.ts'
import type { EngineConfig } from './config.ts'
import type { EngineEvent } from './events.ts'

const userauthService = 'ssh-userauth'
const connectionService = 'ssh-connection'

/** Where an answer goes. */
export interface Asker {
  answer(value: unknown): void
  fail(error: unknown): void
}

export interface AuthenticationHost {
  send<T>(message: Message<string, T>, value: T): void
  ask(question: Ask<unknown>, asker: Asker): void
  emit(event: Extract<EngineEvent, { is: 'banner' | 'untaken-key' }>): void
  /** RFC 4253 §7.2; known by the time this is asked. */
  sessionId(): Uint8Array
  serverSignatureAlgorithms(): readonly string[] | undefined
  /** Client: the server's key, when the server takes proofs that name it. */
  hostKeyToName(): Uint8Array | undefined
  /** The server's key of the first exchange; known by the time this is asked. */
  hostKey(): Uint8Array
  done(user: string, identity: unknown, attempts: readonly AuthenticationAttempt[]): void
}

export class Authentication {
  readonly #config: Pick<EngineConfig, 'authentication' | 'transport'>
  readonly #host: AuthenticationHost
  #runner: Pick<DialogueRunner<never>, 'expects' | 'suspended' | 'receive' | 'abandon'> | undefined
  /** Client: the latest question for a credential, which lists the attempts before it, and the credential it got. */
  #asked: CredentialQuestion | undefined
  #trying: Credential | undefined

  constructor(config: Pick<EngineConfig, 'authentication' | 'transport'>, host: AuthenticationHost) {
    this.#config = config
    this.#host = host
  }

  get suspended(): boolean {
    return this.#runner?.suspended ?? false
  }
  expects(number: number): Message | undefined {
    return this.#runner?.expects(number)
  }
  abandon(): void {
    this.#runner?.abandon()
  }

  /** Client: asks for the service. */
  request(): void {
    this.#host.send(ServiceRequest, { serviceName: userauthService })
  }

  /**
   * Client: the server knows RFC 8308 and has said what it takes, so its answer to the request for the service would tell
   * nothing new: the login begins beside it, which saves a whole round trip. Does nothing the second time.
   */
  begin(): void {
    const client = this.#config.authentication
    if (client.role !== 'client' || this.#runner !== undefined) return
    const dialogue = clientAuthentication({
      user: client.user,
      service: connectionService,
      sessionId: this.#host.sessionId(),
      serverSignatureAlgorithms: () => this.#host.serverSignatureAlgorithms(),
      hostKeyToName: () => this.#host.hostKeyToName(),
      banner: message => this.#host.emit({ is: 'banner', message }),
    })
    this.#run<ClientAuthResult>(dialogue, result => this.#host.done(client.user, undefined, result.attempts))
  }

  /** Server: the client asked for a service. */
  requested(name: string): void {
    const server = this.#config.authentication
    if (name !== userauthService) {
      throw new ProtocolError(
        'service-unknown',
        `The client asked for the service "${escapeForPeople(name)}"; only ${userauthService} can come first.`,
      )
    }
    if (server.role !== 'server') throw new TypeError('only a server is asked for services')
    this.#host.send(ServiceAccept, { serviceName: name })
    // Asked again, which paramiko does before each method: the same answer, and what was proven stays.
    if (this.#runner !== undefined) return
    const { crypto, tables } = this.#config.transport
    const dialogue = serverAuthentication({
      service: connectionService,
      sessionId: this.#host.sessionId(),
      hostKey: () => this.#host.hostKey(),
      acceptedAlgorithms: server.acceptedAlgorithms,
      hostbasedAlgorithms: server.hostbasedAlgorithms,
      maximumAttempts: server.maximumAttempts,
      methods: server.methods,
      banner: server.banner,
      // Bytes of a packet are views, which end with the next one.
      untaken: key => this.#host.emit({ is: 'untaken-key', ...key, publicKey: key.publicKey.slice() }),
      fingerprint: fingerprintOfKey,
      prove: (publicKey, algorithm, data, signature) =>
        proveSignature(crypto, tables, plainClaim({ publicKey, algorithm, data, signature }, tables.keyTypes)),
    })
    this.#run<ServerAuthResult>(dialogue, result => this.#host.done(result.user, result.identity, []))
  }

  /** Client: the server accepted. */
  accepted(name: string): void {
    if (name !== userauthService) {
      throw new ProtocolError('message-unexpected', `The server accepted the service "${escapeForPeople(name)}", which nobody asked for.`)
    }
    this.begin()
  }

  receive(payload: Uint8Array): void {
    if (this.#runner === undefined)
      throw new ProtocolError('message-before-its-phase', `Message ${payload[0]} came before authentication began.`)
    this.#runner.receive(payload)
  }

  /**
   * The connection ended during a login. When the peer ended it, as servers do after too many attempts, that is its answer to
   * what was tried last, and the error lists all that was tried. When the network broke off, the attempt at hand has no
   * answer: only refusals before it are worth telling; else `error` stays what it is.
   */
  cutOff(error: Error, by: 'peer' | 'network'): Error {
    const asked = this.#asked
    const { authentication } = this.#config
    if (asked === undefined || authentication.role !== 'client') return error
    const trying = this.#trying
    if (asked.attempts.length === 0 && (by === 'network' || trying === undefined || trying.method === 'none')) return error
    const last: AuthenticationAttempt[] =
      trying === undefined || trying.method === 'give-up'
        ? []
        : [
            {
              method: trying.method,
              ...(by === 'peer'
                ? { outcome: 'refused', note: 'the server ended the connection instead of answering' }
                : { outcome: 'skipped', note: 'the connection broke off before the server answered' }),
              remaining: [],
              ...('fingerprint' in trying ? { fingerprint: trying.fingerprint } : {}),
              ...('source' in trying ? { source: trying.source } : {}),
            },
          ]
    return authenticationError({
      user: authentication.user,
      attempts: [...asked.attempts, ...last],
      remaining: asked.remaining ?? [],
      ended: error.message,
      cutOff: by === 'network',
      // OpenSSH's words, which other servers use too; the reason they give with it differs.
      unanswered: by === 'peer' && last.length > 0,
      tooMany: by === 'peer' && /too many authentication failures/i.test(error.message),
    })
  }

  #run<R>(dialogue: Dialogue<R>, finished: (result: R) => void): void {
    const runner: DialogueRunner<R> = new DialogueRunner(dialogue, {
      send: (message, value) => this.#host.send(message, value),
      ask: question => this.#ask(question, runner),
      finished,
    })
    this.#runner = runner
    runner.start()
  }

  #ask(question: Ask<unknown>, asker: Asker): void {
    if (question.is !== 'credential') {
      this.#host.ask(question, asker)
      return
    }
    this.#asked = question as CredentialQuestion
    this.#trying = undefined
    this.#host.ask(question, {
      answer: value => {
        this.#trying = value as Credential
        asker.answer(value)
      },
      fail: error => asker.fail(error),
    })
  }
}

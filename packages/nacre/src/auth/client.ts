// Owns the client's side of authentication (RFC 4252): asks for a credential, runs its method, records the outcome,
// until the server lets us in or nothing is left. Knows neither the methods nor where credentials come from.
import { type AuthenticationAttempt, ProtocolError } from '../errors.ts'
import { type Codec, encode } from '../wire/codec.ts'
import { ask, type Dialogue, type Received, receiveAny, send } from '../wire/dialogue.ts'
import type { Message } from '../wire/message.ts'
import { authenticationError } from './explain.ts'
import { UserauthBanner, UserauthFailure, UserauthRequest, UserauthSuccess } from './messages.ts'
import type { Attempted, ClientAuthResult, ClientAuthRun, ClientOutcome, ClientTurn, MethodReply } from './method.ts'
import { authMethod } from './methods/table.ts'
import type { CredentialQuestion } from './questions.ts'

export type { ClientAuthResult, ClientAuthRun } from './method.ts'

/** Credentials tried on one connection before we take it for a loop. */
const credentialLimit = 100
/** Banners (RFC 4252 §5.4) one server may send, and the size of each message in bytes. */
const bannerLimit = 64
const bannerBytes = 65536
/** Characters of banners that are kept with an attempt. */
const saidLimit = 1024

/**
 * Logs in. Starts once the service `ssh-userauth` is accepted; ends with SUCCESS received, or throws
 * `AuthenticationError` with every attempt.
 */
export function* clientAuthentication(run: ClientAuthRun): Dialogue<ClientAuthResult> {
  const turn = new Turn(run)
  const attempts: AuthenticationAttempt[] = []
  let remaining: readonly string[] | undefined
  for (let tried = 0; tried < credentialLimit; tried++) {
    const question: CredentialQuestion = {
      is: 'credential',
      user: run.user,
      remaining,
      attempts: [...attempts],
      serverSignatureAlgorithms: run.serverSignatureAlgorithms(),
    }
    const credential = yield* ask(question)
    if (credential.method === 'give-up') {
      throw authenticationError({ user: run.user, attempts: [...attempts, ...credential.notes], remaining: remaining ?? [] })
    }
    const method = authMethod(credential.method)
    if (!method) throw new TypeError(`There is no authentication method "${credential.method}".`)
    const outcome = yield* method.client(turn, credential)
    const said = turn.said()
    const refusal =
      credential.method !== 'none' && outcome.is === 'failure' && !outcome.partialSuccess && said.trim() !== '' ? { said } : {}
    if (outcome.is === 'failure') remaining = outcome.canContinue
    attempts.push({ ...attemptOf(credential, outcome, remaining ?? []), ...refusal })
    if (outcome.is === 'success') return { is: 'authenticated', attempts }
  }
  throw authenticationError({ user: run.user, attempts, remaining: remaining ?? [], ended: `Stopped after ${credentialLimit} attempts.` })
}

const attemptOf = (credential: Attempted, outcome: ClientOutcome, remaining: readonly string[]): AuthenticationAttempt => ({
  method: credential.method,
  ...('fingerprint' in credential ? { fingerprint: credential.fingerprint } : {}),
  ...('source' in credential ? { source: credential.source } : {}),
  outcome: outcome.is === 'success' ? 'accepted' : outcome.is === 'abandoned' ? 'skipped' : outcome.partialSuccess ? 'partial' : 'refused',
  remaining: outcome.is === 'success' ? [] : remaining,
  ...('note' in outcome && !(outcome.is === 'failure' && outcome.partialSuccess) ? { note: outcome.note } : {}),
})

/** A class: a generator that is a closure costs a hidden class of its own each time. */
class Turn implements ClientTurn {
  readonly run: ClientAuthRun
  #banners = 0
  #said = ''

  constructor(run: ClientAuthRun) {
    this.run = run
  }

  *request<T>(methodName: string, details: Codec<T>, value: T): Dialogue<void> {
    const { user, service } = this.run
    yield* send(UserauthRequest, { userName: user, serviceName: service, methodName, details: encode(details, value) })
  }

  *reply<const M extends readonly Message[]>(...messages: M): Dialogue<MethodReply<M>> {
    for (;;) {
      const received = (yield* receiveAny(UserauthFailure, UserauthSuccess, UserauthBanner, ...messages)) as Received<
        typeof UserauthFailure | typeof UserauthSuccess | typeof UserauthBanner | M[number]
      >
      if (received.is !== 'SSH_MSG_USERAUTH_BANNER') return received as MethodReply<M>
      this.#banner(received as Received<typeof UserauthBanner>)
    }
  }

  #banner(received: Received<typeof UserauthBanner>): void {
    if (++this.#banners > bannerLimit) throw new ProtocolError('auth-request-limit', `The server sent more than ${bannerLimit} banners.`)
    if (received.payload.length > bannerBytes) {
      throw new ProtocolError(
        'auth-request-limit',
        `The server sent a banner of ${received.payload.length} bytes; at most ${bannerBytes} are read.`,
      )
    }
    const { message } = received.value
    this.#said = (this.#said + message).slice(0, saidLimit)
    this.run.banner(message)
  }

  /** What the server said since this was asked last. */
  said(): string {
    const said = this.#said
    this.#said = ''
    return said
  }
}

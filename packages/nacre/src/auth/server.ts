// Owns the server's side of authentication (RFC 4252): checks each request, runs its method, keeps the count of failures
// and what may continue. Knows neither the methods nor who is allowed in; nothing here depends on whether a user exists.
import { escapeForPeople, ProtocolError } from '../errors.ts'
import { ask, type Dialogue, receive, send } from '../wire/dialogue.ts'
import type { Infer } from '../wire/codec.ts'
import { UserauthBanner, UserauthFailure, UserauthRequest, UserauthSuccess } from './messages.ts'
import type { AuthMethod, ServerAuthResult, ServerAuthRun, ServerOutcome, ServerTurn } from './method.ts'
import { authMethod, authMethods } from './methods/table.ts'
import type { AttemptQuestion, ServerAttempt, Verdict } from './questions.ts'

export type { ServerAuthResult, ServerAuthRun } from './method.ts'

type Request = Infer<typeof UserauthRequest>

const defaultMaximumAttempts = 6
const defaultMaximumRequests = 1024
const userNameBytes = 255

/** What is known of one user; dropped whole when the name changes (RFC 4252 §5). There is but one service. */
interface Progress {
  readonly user: string
  remaining: readonly string[]
  readonly passed: string[]
  /** Questions asked so far. */
  asked: number
  /** What was said of this user; else what holds for all. */
  maximumAttempts?: number
}

/**
 * Lets one user in. Starts once the service `ssh-userauth` was accepted; ends with SUCCESS sent, or throws
 * `ProtocolError` when the client broke a rule or tried too often.
 */
export function* serverAuthentication(run: ServerAuthRun): Dialogue<ServerAuthResult> {
  const maximumAttempts = run.maximumAttempts ?? defaultMaximumAttempts
  const count = requestCounter(run.maximumRequests ?? defaultMaximumRequests)
  let progress: Progress | undefined
  let failures = 0
  let next: Request | undefined
  for (let first = true; ; first = false) {
    const request: Request = next ?? (yield* receive(UserauthRequest))
    count()
    check(run.service, request)
    // Views end with the next step, and the banner is one.
    const details = request.details.slice()
    if (progress?.user !== request.userName) {
      progress = { user: request.userName, remaining: offered(run.methods ?? authMethods.map(each => each.name)), passed: [], asked: 0 }
    }
    if (first && run.banner !== undefined) yield* send(UserauthBanner, { message: run.banner, languageTag: '' })
    const method = authMethod(request.methodName)
    const outcome: ServerOutcome =
      method === undefined ? { is: 'failed' } : yield* attempt(run, progress, count, method, request.methodName, details)
    next = outcome.is === 'abandoned' ? outcome.next : undefined
    if (outcome.is === 'abandoned' || outcome.is === 'answered') continue
    if (outcome.is === 'accept' || outcome.is === 'partial') progress.passed.push(method?.name ?? request.methodName)
    if (outcome.is === 'accept') {
      yield* send(UserauthSuccess, {})
      return { is: 'authenticated', user: progress.user, service: run.service, identity: outcome.identity, methods: progress.passed }
    }
    // As OpenSSH counts: asking for the methods first is free, what was passed or only queried with success as well.
    if (outcome.is !== 'partial' && !(first && request.methodName === 'none')) failures++
    if (failures >= (progress.maximumAttempts ?? maximumAttempts))
      throw new ProtocolError('too-many-auth-attempts', 'Too many authentication failures')
    if (outcome.is !== 'failed') progress.remaining = offered(outcome.remaining)
    yield* send(UserauthFailure, { canContinue: progress.remaining, partialSuccess: outcome.is === 'partial' })
  }
}

/** Runs the method of a request. One that is not among what may continue fails without a question, by whatever name it comes. */
function* attempt(
  run: ServerAuthRun,
  progress: Progress,
  count: () => void,
  method: AuthMethod,
  requestName: string,
  details: Uint8Array,
): Dialogue<ServerOutcome> {
  // RFC 4252 §5.2: "none" is never listed, and may always be asked.
  if (method.name !== 'none' && !progress.remaining.includes(method.name)) return { is: 'failed' }
  return yield* method.server(new Turn(run, progress, count), details, requestName)
}

/** One request. A class: a generator that is a closure costs a hidden class of its own each time. */
class Turn implements ServerTurn {
  readonly run: ServerAuthRun
  readonly count: () => void
  readonly #progress: Progress

  constructor(run: ServerAuthRun, progress: Progress, count: () => void) {
    this.run = run
    this.count = count
    this.#progress = progress
  }

  get user(): string {
    return this.#progress.user
  }
  get service(): string {
    return this.run.service
  }

  *judge(presented: ServerAttempt): Dialogue<Verdict> {
    const banners: string[] = []
    const question: AttemptQuestion = {
      is: 'attempt',
      user: this.user,
      service: this.service,
      attempt: presented,
      ordinal: this.#progress.asked++,
      banner: message => banners.push(message),
      limitAttempts: maximum => {
        this.#progress.maximumAttempts = maximum
      },
    }
    const verdict = yield* ask(question)
    for (const message of banners) yield* send(UserauthBanner, { message, languageTag: '' })
    return verdict
  }
}

/** RFC 4252 §5.2: "none" must not be listed. */
const offered = (methods: readonly string[]): readonly string[] => methods.filter(each => each !== 'none')

const requestCounter = (limit: number) => {
  let requests = 0
  return (): void => {
    if (++requests > limit) throw new ProtocolError('auth-request-limit', `More than ${limit} authentication requests on one connection.`)
  }
}

const utf8 = new TextEncoder()

const check = (service: string, request: Request): void => {
  // RFC 4252 §5: the server may disconnect when the service is not there.
  if (request.serviceName !== service) {
    throw new ProtocolError(
      'service-unknown',
      `The client asked for the service "${escapeForPeople(request.serviceName, { limit: 64 })}"; there is only ${service}.`,
    )
  }
  const { userName } = request
  // The name goes into logs, environments and lookups, so what can break a line or a string there ends here.
  if (userName === '' || utf8.encode(userName).length > userNameBytes || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(userName)) {
    throw new ProtocolError(
      'auth-user-malformed',
      `The user name "${escapeForPeople(userName, { limit: 64 })}" cannot be used: it must have 1 to ${userNameBytes} bytes and no control characters.`,
    )
  }
}

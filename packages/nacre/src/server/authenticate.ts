// Owns the contract of authenticators, and answering the questions of one connection by one of them: state for each
// user, errors turned into refusals, and a floor under the time of a refusal. Knows no method of authentication.
import type { AttemptQuestion, ServerAttempt, Verdict } from '../auth/questions.ts'
import type { IpQuality } from '../client/quality.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import type { Clock } from '../io/clock.ts'
import { Ending } from '../io/ending.ts'
import type { IdleLimits } from '../io/idle-limits.ts'
import { whenThere } from '../io/soon.ts'

export interface RemoteAddress {
  readonly address: string
  readonly port: number
  /** Our own end, where it is known. */
  readonly localAddress?: string
  readonly localPort?: number
}

/** Figures that may differ from those of the server for a user or a client. What is left out stays. */
export interface ConnectionLimits extends IdleLimits {
  /** Failed attempts after which the connection ends; from this attempt on. */
  readonly maximumAttempts?: number
  /** Sessions at once. */
  readonly maximumSessions?: number
  /** `milliseconds` 0 asks nothing. */
  readonly keepalive?: { readonly milliseconds: number; readonly maximumUnanswered: number }
  readonly rekey?: { readonly bytes?: number; readonly milliseconds?: number }
  /** What the network is asked for (IPQoS), where the transport can ask; from the next session on. Default: nothing. */
  readonly ipQuality?: IpQuality
  /** After so many milliseconds without an open channel the connection ends. 0 for never, which is the default. */
  readonly unusedMilliseconds?: number
}

/** What an authenticator may do with a connection beside answering. */
export interface ConnectionControl {
  limit(limits: ConnectionLimits): void
  /** Ends it: nobody may log in so. The answer to the attempt is not sent. */
  refuse(description: string): void
  /** Whoever this is does not exist; if nobody logs in after all, that is what its source pays for. */
  unknownUser(): void
}

/** Who wants to log in: given to every check. */
export interface Applicant {
  /** The name they gave; 1 to 255 bytes without control characters, and nothing else is known about it. */
  readonly user: string
  readonly service: string
  /** `undefined` when the connection did not come over a network we know. */
  readonly remote: RemoteAddress | undefined
  /** Aborts when the connection ends, the user name changes, or the login is over. */
  readonly signal: AbortSignal
  /** Milliseconds on a clock that never runs backwards. */
  now(): number
  /** Shows a text before the answer to this attempt (RFC 4252 §5.4). */
  banner(message: string): void
  /** Reports a failure of ours that the login goes on in spite of. */
  report(error: unknown): void
  /** The connection; left out where there is none. */
  readonly connection?: ConnectionControl
}

/** What an authenticator makes of an attempt. */
export type Answer<Identity> =
  | { readonly is: 'accept'; readonly identity: Identity }
  /** For a key that is not proven yet. Carries no identity on purpose. */
  | { readonly is: 'would-accept' }
  /** Right, and more is needed. */
  | { readonly is: 'partial' }
  | { readonly is: 'refuse' }
  | Extract<Verdict, { is: 'prompt' | 'gss' | 'change-password' }>

/** An authenticator at work for one user of one connection. */
export interface AuthenticatorRun<out Identity> {
  /** The methods that could be tried now. Must not depend on whether the user exists. */
  remaining(): readonly string[]
  attempt(attempt: ServerAttempt): Answer<Identity> | Promise<Answer<Identity>>
}

/** Decides who gets in, and what sessions know about them. A value: compose it with `firstOf`, `allOf`, `limit`, `from`. */
export interface Authenticator<out Identity> {
  /** The methods that can be tried first. */
  readonly methods: readonly string[]
  begin(applicant: Applicant): AuthenticatorRun<Identity>
}

/** The identity an authenticator yields. */
export type IdentityOf<A> = A extends Authenticator<infer Identity> ? Identity : never

/** The least time in milliseconds a refusal takes. */
export type RefusalFloor = (user: string, method: string) => number

export interface AuthenticationContext {
  readonly remote: RemoteAddress | undefined
  /** Over when the connection is. */
  readonly ending: Ending
  readonly clock: Clock
  readonly floor: RefusalFloor
  /** Told of every error an authenticator throws; the attempt is refused. What it throws itself is dropped. */
  readonly onError: (error: unknown, attempt: { readonly user: string; readonly method: string }) => void
  readonly connection?: ConnectionControl
}

/**
 * Answers the questions of one connection, at once when the authenticator does. Never throws or rejects.
 */
export const answerAttempts = (
  authenticator: Authenticator<unknown>,
  context: AuthenticationContext,
): ((question: AttemptQuestion) => Verdict | Promise<Verdict>) => {
  let login: Login | undefined
  return question => {
    const started = context.clock.now()
    // RFC 4252 §5: another user or service name drops all that was proven.
    if (login === undefined || question.ordinal === 0 || login.user !== question.user || login.service !== question.service) {
      login?.over.end()
      login = new Login(authenticator, context, question)
    }
    const current = login
    current.question = question
    return whenThere(judge(current, context, question.attempt), verdict => {
      if (verdict.is === 'accept' && !isQuery(question.attempt)) current.over.end()
      if (verdict.is !== 'refuse') return verdict
      const held = holdBack(context, started, context.floor(question.user, question.attempt.method))
      return held === undefined ? verdict : held.then(() => verdict)
    })
  }
}

/** A query shows a key and proves nothing. */
export const isQuery = (attempt: ServerAttempt): boolean => attempt.method === 'publickey' && !attempt.proven

/** The name under which an attempt stands in `methods` and `remaining`. */
export const methodOf = ({ method }: ServerAttempt): string => laterStages[method] ?? method

/** Attempts that continue a method under a name of their own. */
const laterStages: Readonly<Record<string, string | undefined>> = {
  'password-change': 'password',
  'keyboard-interactive-response': 'keyboard-interactive',
  'gssapi-with-mic-proof': 'gssapi-with-mic',
}

/** One user of one connection, until the name changes or the login is over; what authenticators see of it. */
class Login implements Applicant {
  readonly user: string
  readonly service: string
  readonly remote: RemoteAddress | undefined
  readonly over = new Ending()
  /** The question that is open, or was asked last. */
  question: AttemptQuestion
  /** `undefined` when the authenticator could not begin. */
  readonly run: AuthenticatorRun<unknown> | undefined
  readonly #context: AuthenticationContext
  #signal: AbortSignal | undefined

  constructor(authenticator: Authenticator<unknown>, context: AuthenticationContext, question: AttemptQuestion) {
    this.user = question.user
    this.service = question.service
    this.remote = context.remote
    this.question = question
    this.#context = context
    try {
      this.run = authenticator.begin(this)
    } catch (error) {
      this.run = undefined
      this.report(error)
    }
  }

  get signal(): AbortSignal {
    return (this.#signal ??= AbortSignal.any([this.#context.ending.signal, this.over.signal]))
  }
  now(): number {
    return this.#context.clock.now()
  }
  banner(message: string): void {
    this.question.banner(message)
  }
  report(error: unknown): void {
    reportTo(this.#context, error, this.question)
  }
  get connection(): ConnectionControl {
    return {
      limit: limits => {
        if (limits.maximumAttempts !== undefined) this.question.limitAttempts?.(limits.maximumAttempts)
        this.#context.connection?.limit(limits)
      },
      refuse: description => this.#context.connection?.refuse(description),
      unknownUser: () => this.#context.connection?.unknownUser(),
    }
  }
}

const reportTo = (context: AuthenticationContext, error: unknown, question: AttemptQuestion): void => {
  try {
    context.onError(error, { user: question.user, method: question.attempt.method })
  } catch {
    // Whoever listens for errors must not be able to end the login, let alone the process.
  }
}

const judge = (login: Login, context: AuthenticationContext, attempt: ServerAttempt): Verdict | Promise<Verdict> => {
  const { run } = login
  if (run === undefined) return { is: 'refuse', remaining: [] }
  if (context.ending.over) return { is: 'refuse', remaining: remainingOf(run) }
  const failed = (error: unknown): Verdict => {
    if (!context.ending.over) reportTo(context, error, login.question)
    return { is: 'refuse', remaining: remainingOf(run) }
  }
  try {
    const verdict = whenThere(run.attempt(attempt), answer => verdictOf(attempt, answer, run))
    return verdict instanceof Promise ? untilOver(context.ending, verdict).catch(failed) : verdict
  } catch (error) {
    return failed(error)
  }
}

const verdictOf = (attempt: ServerAttempt, answer: Answer<unknown>, run: AuthenticatorRun<unknown>): Verdict => {
  if (answer.is === 'refuse') return { is: 'refuse', remaining: run.remaining() }
  // Whatever was said about a key that is only shown, no identity and no progress comes of it.
  if (isQuery(attempt) && (answer.is === 'would-accept' || answer.is === 'accept' || answer.is === 'partial'))
    return { is: 'accept', identity: undefined }
  if (attempt.method === 'gssapi-with-mic') {
    if (answer.is === 'gss') return answer
    // A list of mechanisms proves nothing.
    throw new TypeError(`The answer "${answer.is}" does not fit a list of mechanisms.`)
  }
  if (answer.is === 'accept') return answer
  if (answer.is === 'partial') return { is: 'partial', remaining: run.remaining() }
  if (answer.is === 'prompt' && methodOf(attempt) === 'keyboard-interactive') return answer
  if (answer.is === 'change-password' && methodOf(attempt) === 'password') return answer
  throw new TypeError(`The answer "${answer.is}" does not fit the method ${attempt.method}.`)
}

const remainingOf = (run: AuthenticatorRun<unknown>): readonly string[] => {
  try {
    return run.remaining()
  } catch {
    return []
  }
}

/** What `work` resolves to, or a rejection as soon as it is over; the work is then on its own. */
const untilOver = async <T>({ signal }: Ending, work: Promise<T>): Promise<T> => {
  const ended = Promise.withResolvers<never>()
  const end = (): void => ended.reject(signal.reason)
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([work, ended.promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** Waits until the floor is reached. Slower refusals wait for the next doubling, so that their own time stays hidden. */
const holdBack = (context: AuthenticationContext, started: number, floor: number): Promise<void> | undefined => {
  if (!(floor > 0) || context.ending.over) return undefined
  const elapsed = context.clock.now() - started
  let least = floor
  while (least < elapsed) least *= 2
  const { signal } = context.ending
  return new Promise<void>(resolve => {
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = context.clock.after(least - elapsed, done)
    signal.addEventListener('abort', done)
  })
}

/** Milliseconds: the floor for what a person knows, and for keys, which clients offer by the dozen. */
const secretFloor = 60
const keyFloor = 6
const signed: readonly string[] = ['publickey', 'hostbased', 'gssapi-with-mic', 'gssapi-with-mic-proof', 'gssapi-keyex']
/** The part by which it differs from user to user. */
const jitter = 0.5

/**
 * The usual floor: 60 to 90 ms for passwords and prompts, 6 to 9 ms for keys, nothing for "none". The part between is
 * fixed for a user name and unknown to others, so that it cannot be averaged away. Make one for each server.
 */
export const refusalFloor = (crypto: CryptoProvider): RefusalFloor => {
  const seed = new Uint8Array(32)
  crypto.random(seed)
  const utf8 = new TextEncoder()
  return (user, method) => {
    if (method === 'none') return 0
    const digest = crypto.hash('sha256', seed, utf8.encode(user))
    const share = ((digest[0] << 8) | digest[1]) / 65536
    return (signed.includes(method) ? keyFloor : secretFloor) * (1 + jitter * share)
  }
}

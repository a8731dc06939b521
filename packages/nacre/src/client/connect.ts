// Owns bringing a client's connection up over any transport: the engine, the questions, and the first error if there is
// one. Knows no sockets and no files; those are a runtime's (`connect-node.ts`).
import type { SignatureQuestion } from '../auth/questions.ts'
import { session as sessionType } from '../connection/channel-types/session.ts'
import type { GlobalRequestQuestion } from '../connection/events.ts'
import { hostkeys } from '../connection/global-requests/hostkeys.ts'
import { AgentError, ConfigError, KeyFormatError } from '../errors.ts'
import { assemble, type CommonOptions, type Runtime } from '../engine/assemble.ts'
import { Engine } from '../engine/engine.ts'
import type { EngineEvent, EngineQuestion } from '../engine/events.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import { IdleChannels, type IdleLimits } from '../io/idle-limits.ts'
import type { LocalSockets } from '../forward/sockets.ts'
import { Link } from '../io/link.ts'
import { whenThere } from '../io/soon.ts'
import type { ByteTransport } from '../io/transport.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import type { LocalFiles } from '../sftp/transfer/local.ts'
import type { HostKeyQuestion, SessionProof } from '../transport/exchange.ts'
import type { ForwardAgent, ReachAgent } from './agent-forward.ts'
import { announcedKeys } from './announced-keys.ts'
import { withoutSecrets } from './careful.ts'
import { ClientConnection } from './connection.ts'
import { midSessionError } from './host-key-words.ts'
import { type LoginStep, LoginWatch } from './login-steps.ts'
import type { HostKeyPolicy, HostKeyTrust, Identities, PresentedHostKey } from './policy.ts'
import { type IpQuality, QualityOfSessions } from './quality.ts'
import { ServedChannels } from './served-channels.ts'

/** What a connection needs beyond a transport. */
export interface ConnectOptions extends CommonOptions, IdleLimits {
  readonly user: string
  /** The name and port we mean to reach: what host keys are looked up by. */
  readonly host: string
  readonly port: number
  /** Required: there is no safe default without a place where known keys are kept. */
  readonly hostKey: HostKeyPolicy
  readonly identities: Identities
  /** Gives up, at whatever stage; the promise rejects with its reason. */
  readonly signal?: AbortSignal
  /** Called with each banner as it comes; text from the peer. */
  readonly onBanner?: (message: string) => void
  /** Called as the connection comes up; for programs that explain what happens. */
  readonly onProgress?: (event: EngineEvent) => void
  /** Told of each step of the login as it happens. */
  readonly onStep?: (step: LoginStep) => void
  readonly clock?: Clock
  /** Files at this end, for downloads and uploads by path. Node's `connect` brings its own. */
  readonly localFiles?: () => Promise<LocalFiles>
  /** Sockets at this end, for forwards. Node's `connect` brings its own. */
  readonly sockets?: () => Promise<LocalSockets>
  /** The agent of all sessions that do not say otherwise (`SessionOptions.forwardAgent`). Default none, and none where the server is `untrusted`. */
  readonly forwardAgent?: ForwardAgent
  /** What the network is asked for (IPQoS), where the transport can ask. Default: nothing. */
  readonly ipQuality?: IpQuality
  /** Variables of every session, beside those it asks for itself (`SessionOptions.env`), which win. */
  readonly env?: Readonly<Record<string, string>>
  /** Opens the way to an agent by its socket, for `forwardAgent`. Node's `connect` brings its own. */
  readonly reachAgent?: ReachAgent
  /** Waited for by `close`, once the connection has ended: resolves when what the transport rests on is gone too. */
  readonly gone?: () => Promise<unknown>
}

/**
 * Speaks SSH over a transport until the user is logged in. A function that opens one is called once the options have
 * been found good. Rejects with `ProtocolError`, `NegotiationError`,
 * `HostKeyError`, `AuthenticationError`, `TimeoutError`, `DisconnectedError`, or the reason of `signal`.
 */
export const connectOver = async (
  over: ByteTransport | (() => Promise<ByteTransport>),
  options: ConnectOptions,
  runtime: Runtime,
): Promise<ClientConnection> => {
  if (options.user === '') throw new ConfigError('The user name is empty.')
  options.signal?.throwIfAborted()
  let { identities } = options
  const config = assemble(options, { role: 'client', user: options.user, preferHostKeys: identities.preferHostKeys ?? [] }, runtime)
  const transport = typeof over === 'function' ? await over() : over
  identities.reached?.(transport)
  const { promise, resolve, reject } = Promise.withResolvers<ClientConnection>()
  let hostKey: PublicKey | undefined
  let trusted: HostKeyTrust = {}
  /** What became of the keys the server announced; `undefined` until it did. */
  let told: Promise<void> | undefined
  let firstProof: SessionProof | undefined
  let [serverVersion, banner] = ['', '']
  let abortReason: { readonly reason: unknown } | undefined
  const served = new ServedChannels()
  const idle = new IdleChannels(() => options, options.clock ?? systemClock)
  const watch = options.onStep === undefined ? undefined : new LoginWatch(options.onStep)

  const trust = ({ hostKey: blob, algorithm, proof }: HostKeyQuestion): true | Promise<true> => {
    const key = parsePublicKey(blob)
    const first = hostKey
    hostKey = key
    const presented = new Presented(key, algorithm, options, transport.remote?.address)
    return whenThere(first === undefined ? options.hostKey(presented) : judgedLater(options.hostKey, presented, first), trust => {
      // Another key in a later exchange makes nothing better.
      trusted = { ...trust, untrusted: trust?.untrusted === true || trusted.untrusted === true }
      if (trusted.untrusted === true) identities = withoutSecrets(options.identities)
      firstProof ??= proof
      if (proof !== undefined) identities.connected?.(proof)
      return true as const
    })
  }

  const link: Link = new Link(
    new Engine(config),
    transport,
    {
      question: question => answer(link, question, identities, trust, watch),
      openRequested: question => served.requested(question),
      begun: port => watchUnlessSession(idle, port),
      globalRequested(question) {
        const heard = told === undefined ? announcement(question, trusted, link, options, runtime) : undefined
        if (heard === undefined) question.fail()
        else question.succeed()
        told ??= heard
      },
      noted(event) {
        if (event.is === 'authenticated') watch?.answered(event.attempts)
        if (event.is === 'identified') serverVersion = event.peer.softwareVersion
        else if (event.is === 'banner') {
          banner += event.message
          options.onBanner?.(event.message)
        } else if (event.is === 'authenticated' && hostKey !== undefined)
          resolve(
            new ClientConnection(link, {
              ...{ ...givenFacts(options, runtime, transport, firstProof), hostKey, serverVersion, banner, served, idle },
              untrusted: trusted.untrusted === true,
              gone: () => Promise.all([told, options.gone?.()]),
            }),
          )
        options.onProgress?.(event)
      },
      ended: ended => reject(abortReason === undefined ? ended.error : abortReason.reason),
    },
    options.clock,
  )
  const abort = (): void => {
    abortReason = { reason: options.signal?.reason }
    link.disconnect('by-application', '')
  }
  options.signal?.addEventListener('abort', abort, { once: true })
  link.start()
  // The signal may have fired while the transport was opened.
  if (options.signal?.aborted === true) abort()
  try {
    return await promise
  } finally {
    options.signal?.removeEventListener('abort', abort)
  }
}

/** Tells whoever wants to know which keys the server announced; `undefined` when that is not asked, or nobody wants to. */
const announcement = (
  { request }: GlobalRequestQuestion,
  { announced }: HostKeyTrust,
  link: Link,
  { crypto, minimumRsaBits }: ConnectOptions,
  runtime: Runtime,
): Promise<void> | undefined => {
  if (request.type !== hostkeys.name || announced === undefined) return undefined
  const keys = announcedKeys(request.value.hostKeys, link, { crypto: crypto ?? runtime.crypto, minimumRsaBits })
  return (async () => await announced(keys))().catch(() => {})
}

/** What a connection has of its options. */
const givenFacts = (options: ConnectOptions, runtime: Runtime, transport: ByteTransport, proof: SessionProof | undefined) => ({
  user: options.user,
  localFiles: options.localFiles,
  sockets: options.sockets,
  env: options.env,
  ...(options.ipQuality === undefined ? {} : { quality: new QualityOfSessions(transport, options.ipQuality) }),
  forwardAgent: options.forwardAgent,
  forwarding: {
    proof,
    reach: options.reachAgent,
    random: options.random ?? (options.crypto ?? runtime.crypto).random,
    clock: options.clock ?? systemClock,
  },
})

/** What a session is for is known once that is asked, and who asks has it watched. */
const watchUnlessSession = (idle: IdleChannels, port: ChannelPort): void => {
  const { channelType } = port.channel
  if (channelType !== sessionType.name) idle.watch(port, channelType)
}

/** What the policy says of a key that is not the one the session began with. */
const judgedLater = async (policy: HostKeyPolicy, presented: PresentedHostKey, first: PublicKey): Promise<HostKeyTrust | void> => {
  try {
    return await policy(presented)
  } catch (error) {
    throw midSessionError(error, first)
  }
}

/** A class: a literal with a getter costs a hidden class of its own each time, which then keeps all the getter knows. */
class Presented implements PresentedHostKey {
  readonly key: PublicKey
  readonly algorithm: string
  readonly host: string
  readonly port: number
  readonly address: string | undefined

  constructor(key: PublicKey, algorithm: string, { host, port }: Pick<ConnectOptions, 'host' | 'port'>, address: string | undefined) {
    this.key = key
    this.algorithm = algorithm
    this.host = host
    this.port = port
    this.address = address
  }

  get fingerprint(): string {
    return this.key.fingerprint()
  }
}

const unlessRefused = (error: unknown): undefined => {
  if ((error instanceof AgentError && error.code === 'AGENT_REFUSED') || error instanceof KeyFormatError) return undefined
  throw error
}

/** The signature, or `undefined` when the key's agent refuses or its file does not open: the next may do. At once where it is. */
const sign = ({ credential, data }: SignatureQuestion): Uint8Array | Promise<Uint8Array | undefined> => {
  const made = credential.sign(data, credential.algorithm)
  return made instanceof Uint8Array ? made : made.catch(unlessRefused)
}

const answer = (
  link: Link,
  question: EngineQuestion,
  identities: Identities,
  trust: (question: HostKeyQuestion) => true | Promise<true>,
  watch: LoginWatch | undefined,
): void => {
  switch (question.about) {
    case 'host-key':
      link.settle(question, () => trust(question.ask))
      return
    case 'credential':
      link.settle(question, () => (watch === undefined ? identities.next(question.ask) : watch.next(identities, question.ask)))
      return
    case 'signature':
      watch?.signing(question.ask.credential)
      link.settle(question, () => sign(question.ask))
      return
    case 'prompts':
      watch?.prompted(question.ask.prompts.length)
      link.settle(question, () => identities.answer?.(question.ask))
      return
    case 'new-password':
      link.settle(question, () => identities.newPassword?.(question.ask))
      return
    case 'compute':
    case 'attempt':
      question.fail(new TypeError(`a client is not asked about ${question.about}`))
  }
}

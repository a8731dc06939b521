// Owns the contract between the authentication loops (client.ts, server.ts) and the methods they run: what a method is
// given, and what it hands back. Knows no method by name.
import type { SignatureProof } from '../algorithms/rows.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import type { Codec } from '../wire/codec.ts'
import type { Dialogue, Received } from '../wire/dialogue.ts'
import type { Message } from '../wire/message.ts'
import type { GssContext } from './gss.ts'
import type { UserauthFailure, UserauthRequest, UserauthSuccess } from './messages.ts'
import type { Credential, ServerAttempt, Verdict } from './questions.ts'

// ── client ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the client's side is given by the engine. */
export interface ClientAuthRun {
  readonly user: string
  readonly service: 'ssh-connection'
  /** The first exchange hash: publickey signatures cover it. */
  readonly sessionId: Uint8Array
  /** The server's `server-sig-algs` as known now (RFC 8308 §3.1): EXT_INFO may still come during authentication. */
  readonly serverSignatureAlgorithms: () => readonly string[] | undefined
  /** The server's key, when the server takes proofs that name it (OpenSSH PROTOCOL §3.1, publickey-hostbound). */
  readonly hostKeyToName?: () => Uint8Array | undefined
  /** A banner (RFC 4252 §5.4), unescaped text of the peer. */
  readonly banner: (message: string) => void
}

export interface ClientAuthResult {
  readonly is: 'authenticated'
  readonly attempts: readonly AuthenticationAttempt[]
}

/** What may come in answer to a method with these messages of its own. */
export type MethodReply<M extends readonly Message[]> = Received<typeof UserauthFailure | typeof UserauthSuccess | M[number]>

/** What one client method works with. */
export interface ClientTurn {
  readonly run: ClientAuthRun
  /** Sends a request of `method` with these method-specific fields. */
  request<T>(method: string, details: Codec<T>, value: T): Dialogue<void>
  /** Waits for FAILURE, for SUCCESS, or for one of the method's own messages. Banners are taken care of. */
  reply<const M extends readonly Message[]>(...messages: M): Dialogue<MethodReply<M>>
}

/** How a method ended for the client. After `abandoned` no answer of the server is due (RFC 4252 §5.1). */
export type ClientOutcome =
  | { readonly is: 'success' }
  | { readonly is: 'failure'; readonly canContinue: readonly string[]; readonly partialSuccess: boolean; readonly note?: string }
  | { readonly is: 'abandoned'; readonly note: string }

// ── server ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A key that a client showed and a server does not take, whoever it belongs to: texts and bytes from the peer. */
export interface UntakenKey {
  readonly user: string
  readonly method: 'publickey' | 'hostbased'
  readonly algorithm: string
  readonly publicKey: Uint8Array
}

/** What the server's side is given by the engine. */
export interface ServerAuthRun {
  /** The service that starts after authentication; requests for any other end the connection. */
  readonly service: 'ssh-connection'
  readonly sessionId: Uint8Array
  /** The key this server proved itself with in the first exchange. */
  readonly hostKey: () => Uint8Array
  /** Methods that may be tried, and are named in a FAILURE, before a verdict said which. Default: all there are. */
  readonly methods?: readonly string[] | undefined
  /** Signature algorithms taken from users; for certificates their `-cert-v01@openssh.com` names. */
  readonly acceptedAlgorithms: readonly string[]
  /** Those taken from hosts that vouch for users. Default: the same. */
  readonly hostbasedAlgorithms?: readonly string[] | undefined
  /** Our end of what the first key exchange left behind, when it was one by GSS-API (RFC 4462 §4). */
  readonly keyExchangeContext?: () => GssContext | undefined
  /**
   * What `signature` (a whole SSH signature blob) proves, when it was made over `data` by the key with `algorithm`; else
   * `undefined`.
   */
  readonly prove: (publicKey: Uint8Array, algorithm: string, data: Uint8Array, signature: Uint8Array) => SignatureProof | undefined
  /** `SHA256:…` of a key blob. */
  readonly fingerprint: (publicKey: Uint8Array) => string
  /** Told of a key that fails by its algorithm alone, about which nobody is asked. */
  readonly untaken?: ((login: UntakenKey) => void) | undefined
  /** Shown to everybody, with the answer to the first request (RFC 4252 §5.4). */
  readonly banner?: string | undefined
  /** Failed attempts after which the connection ends. Default 6. */
  readonly maximumAttempts?: number | undefined
  /** Requests and responses of all kinds after which the connection ends. Default 1024. */
  readonly maximumRequests?: number | undefined
}

export interface ServerAuthResult {
  readonly is: 'authenticated'
  readonly user: string
  readonly service: string
  /** What the verdict said after proof. */
  readonly identity: unknown
  /** Names of the methods that were passed, in order. */
  readonly methods: readonly string[]
}

/** What one server method works with. */
export interface ServerTurn {
  readonly run: ServerAuthRun
  readonly user: string
  readonly service: string
  /** Asks for the verdict on an attempt, and shows the banners that came with it. */
  judge(attempt: ServerAttempt): Dialogue<Verdict>
  /** Counts a message the client sent within the method; throws when there are too many. */
  count(): void
}

/** How a method ended for the server. The loop sends SUCCESS or FAILURE; the method has sent all else. */
export type ServerOutcome =
  | Extract<Verdict, { is: 'accept' | 'partial' | 'refuse' }>
  /** Refused without a verdict: what may continue stays as it was. */
  | { readonly is: 'failed' }
  /** The method sent its own reply and waits for another request. */
  | { readonly is: 'answered' }
  /** The client began a new request in the middle; no FAILURE is due (RFC 4252 §5.1). */
  | { readonly is: 'abandoned'; readonly next: Received<typeof UserauthRequest>['value'] }

/** The verdicts that end a method. Any other is a mistake of whoever answered, not of the peer. */
export const settled = (method: string, verdict: Verdict): Extract<ServerOutcome, { is: 'accept' | 'partial' | 'refuse' }> => {
  if (verdict.is === 'accept' || verdict.is === 'partial' || verdict.is === 'refuse') return verdict
  throw new TypeError(`The verdict "${verdict.is}" does not answer the method ${method}.`)
}

// ── the method ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** A credential that is tried on the wire. */
export type Attempted = Exclude<Credential, { method: 'give-up' }>

/** One authentication method, both sides. Adding one is a file with such a value and a row in `methods/table.ts`. */
export interface AuthMethod<C extends Attempted = Attempted> {
  readonly name: C['method']
  /** Other names its requests come by. They are in no list, and count as `name` wherever methods are counted. */
  readonly alsoNamed?: readonly string[]
  /** Its own messages, numbers 60 to 79; traces decode them by this list. */
  readonly messages: readonly Message[]
  client(turn: ClientTurn, credential: C): Dialogue<ClientOutcome>
  /** `details` are the method-specific fields of the request, a buffer of their own; `requestName` is what it came by. */
  server(turn: ServerTurn, details: Uint8Array, requestName: string): Dialogue<ServerOutcome>
}

/** The end of a method whose only answers are SUCCESS and FAILURE. */
export const outcomeOf = (reply: Received<typeof UserauthFailure | typeof UserauthSuccess>, note?: string): ClientOutcome =>
  reply.is === 'SSH_MSG_USERAUTH_SUCCESS'
    ? { is: 'success' }
    : {
        is: 'failure',
        canContinue: reply.value.canContinue,
        partialSuccess: reply.value.partialSuccess,
        ...(note === undefined ? {} : { note }),
      }

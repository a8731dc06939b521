// Owns what the engine tells its driver: one discriminated union. Knows nothing of streams, sockets or promises.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { Compute } from '../algorithms/rows.ts'
import type {
  AttemptQuestion,
  CredentialQuestion,
  NewPasswordQuestion,
  PromptsQuestion,
  SignatureQuestion,
  Verdict,
  Credential,
} from '../auth/questions.ts'
import type { UntakenKey } from '../auth/method.ts'
import type { ConnectionEvent } from '../connection/events.ts'
import type { Secret } from '../crypto/secret.ts'
import type { AuthenticationAttempt, DisconnectReason } from '../errors.ts'
import type { HostKeyQuestion } from '../transport/exchange.ts'
import type { Identification } from '../transport/identification.ts'

/** A question that can be answered once, now or later. A second answer throws `TypeError`; one after the end does nothing. */
export interface Open<Question, Answer> {
  readonly ask: Question
  answer(value: Answer): void
  /** Nobody can answer: the connection ends with `error`. */
  fail(error: unknown): void
}

/** The questions of key exchange and authentication. While one is open no packet is taken. */
export type EngineQuestion =
  | ({ readonly about: 'compute' } & Open<Compute<unknown>, unknown>)
  | ({ readonly about: 'host-key' } & Open<HostKeyQuestion, true>)
  | ({ readonly about: 'credential' } & Open<CredentialQuestion, Credential>)
  | ({ readonly about: 'signature' } & Open<SignatureQuestion, Uint8Array | undefined>)
  | ({ readonly about: 'prompts' } & Open<PromptsQuestion, readonly string[] | undefined>)
  | ({ readonly about: 'new-password' } & Open<NewPasswordQuestion, Secret<string> | undefined>)
  | ({ readonly about: 'attempt' } & Open<AttemptQuestion, Verdict>)

/** How a connection ended. `error` is what everybody who still waits is told. */
export interface Ended {
  readonly is: 'ended'
  readonly by: 'us' | 'peer' | 'network'
  readonly reason: DisconnectReason | undefined
  readonly error: Error
}

export type EngineEvent =
  | { readonly is: 'question'; readonly question: EngineQuestion }
  | { readonly is: 'identified'; readonly peer: Identification; readonly linesBefore: readonly string[] }
  | { readonly is: 'exchanged'; readonly agreed: Agreed; readonly first: boolean; readonly strict: boolean; readonly hostKey: Uint8Array }
  | { readonly is: 'banner'; readonly message: string }
  /** Server: a key failed by its algorithm alone; no question is asked about it. */
  | ({ readonly is: 'untaken-key' } & UntakenKey)
  | { readonly is: 'debug'; readonly message: string; readonly alwaysDisplay: boolean }
  | { readonly is: 'authenticated'; readonly user: string; readonly identity: unknown; readonly attempts: readonly AuthenticationAttempt[] }
  | { readonly is: 'pong'; readonly data: Uint8Array }
  | ConnectionEvent
  | Ended

// Owns the questions the authentication dialogues ask and the shapes of their answers. Knows nothing of who answers:
// files, an agent, a person or a program.
import type { SecurityKeyProof } from '../algorithms/rows.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import type { Secret } from '../crypto/secret.ts'
import type { Ask } from '../wire/dialogue.ts'
import type { GssContext, GssMechanism } from './gss.ts'

// ── client ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What the client tries next. `source` and `fingerprint` go into the list of attempts. */
export type Credential =
  | { readonly method: 'none' }
  | { readonly method: 'password'; readonly password: Secret<string>; readonly source: string }
  | {
      readonly method: 'publickey'
      /** Public key or certificate blob. */
      readonly publicKey: Uint8Array
      /** Signature algorithm to use, e.g. `rsa-sha2-512`; for certificates the `-cert-v01@openssh.com` name. */
      readonly algorithm: string
      readonly fingerprint: string
      readonly source: string
      /** True to ask first whether the server would take the key (an agent that asks for a touch, an encrypted file). */
      readonly query: boolean
      /** True to name the server's key in what is signed, where the server takes that: an agent can then see whom it is for. */
      readonly namesHost?: boolean
      /** Signs `data`; the result is a whole SSH signature blob (`string algorithm, string signature`). */
      readonly sign: (data: Uint8Array, algorithm: string) => Uint8Array | Promise<Uint8Array>
    }
  | { readonly method: 'keyboard-interactive'; readonly submethods: string; readonly source: string }
  | {
      readonly method: 'hostbased'
      /** Public key or certificate blob of the host we are on. */
      readonly publicKey: Uint8Array
      /** Signature algorithm to use; for certificates the `-cert-v01@openssh.com` name. */
      readonly algorithm: string
      readonly fingerprint: string
      readonly source: string
      /** The name of the host we are on; OpenSSH's servers take it with a dot at the end. */
      readonly clientHost: string
      /** The user's name on the host we are on. */
      readonly clientUser: string
      /** As for publickey. */
      readonly sign: (data: Uint8Array, algorithm: string) => Uint8Array | Promise<Uint8Array>
    }
  | {
      readonly method: 'gssapi-with-mic'
      /** Those to choose from, best first; the server takes one. */
      readonly mechanisms: readonly GssMechanism[]
      readonly source: string
    }
  /** `context`: what a key exchange by GSS-API left behind (RFC 4462 §4). */
  | { readonly method: 'gssapi-keyex'; readonly context: GssContext; readonly source: string }
  /** Nothing is left to try. `notes` are attempts that never reached the wire, with the reason. */
  | { readonly method: 'give-up'; readonly notes: readonly AuthenticationAttempt[] }

/** Which credential next? Asked before each attempt. */
export interface CredentialQuestion extends Ask<Credential> {
  readonly is: 'credential'
  readonly user: string
  /** What the server accepts now; `undefined` before the first answer. */
  readonly remaining: readonly string[] | undefined
  readonly attempts: readonly AuthenticationAttempt[]
  /** The server's `server-sig-algs`, when it sent any (RFC 8308 §3.1). */
  readonly serverSignatureAlgorithms: readonly string[] | undefined
}

/** A signature for a publickey or hostbased request; the driver calls `sign`. */
export interface SignatureQuestion extends Ask<Uint8Array | undefined> {
  readonly is: 'signature'
  readonly credential: Extract<Credential, { method: 'publickey' | 'hostbased' }>
  readonly data: Uint8Array
}

/** Prompts of keyboard-interactive. `undefined` cancels the method. All texts come from the peer, unescaped. */
export interface PromptsQuestion extends Ask<readonly string[] | undefined> {
  readonly is: 'prompts'
  readonly name: string
  readonly instruction: string
  readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[]
}

/** The server wants a new password (RFC 4252 §8). `undefined` cancels. */
export interface NewPasswordQuestion extends Ask<Secret<string> | undefined> {
  readonly is: 'new-password'
  readonly prompt: string
}

export type ClientAuthQuestion = CredentialQuestion | SignatureQuestion | PromptsQuestion | NewPasswordQuestion

// ── server ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a client put forward. For keys, `proven` says whether a signature over this session was verified. */
export type ServerAttempt =
  | { readonly method: 'none' }
  | { readonly method: 'password'; readonly password: Secret<string> }
  | { readonly method: 'password-change'; readonly oldPassword: Secret<string>; readonly newPassword: Secret<string> }
  | {
      readonly method: 'publickey'
      readonly algorithm: string
      readonly publicKey: Uint8Array
      readonly fingerprint: string
      readonly proven: boolean
      /** What a security key said beside its signature (who was there); `undefined` for other keys, and before the proof. */
      readonly securityKey?: SecurityKeyProof | undefined
    }
  | { readonly method: 'keyboard-interactive'; readonly submethods: readonly string[] }
  /** The answers to the prompts of the verdict before. */
  | { readonly method: 'keyboard-interactive-response'; readonly responses: readonly Secret<string>[] }
  /** A host vouches for its user; that it holds the key has been verified, whether the key is that host's has not. */
  | {
      readonly method: 'hostbased'
      readonly algorithm: string
      readonly publicKey: Uint8Array
      readonly fingerprint: string
      /** The names as the client says them: the host's, mostly with a dot at the end, and the user's on that host. */
      readonly clientHost: string
      readonly clientUser: string
    }
  /** Mechanisms the client could use, as DER of their identifiers, best first. Answered by the verdict `gss`, or a refusal. */
  | { readonly method: 'gssapi-with-mic'; readonly mechanisms: readonly Uint8Array[] }
  /** Whom the mechanism of the verdict before has proven, over this session and for this user. */
  | { readonly method: 'gssapi-with-mic-proof'; readonly mechanism: string; readonly initiator: string; readonly delegated: unknown }
  /** The same by the context of the key exchange. */
  | { readonly method: 'gssapi-keyex'; readonly mechanism: string; readonly initiator: string; readonly delegated: unknown }

/**
 * The server's answer. `accept` or `partial` for an unproven key only means PK_OK; the identity is taken from the answer
 * to the proof. `partial` counts the method as passed and asks for one of `remaining`.
 */
export type Verdict =
  | { readonly is: 'accept'; readonly identity: unknown }
  | { readonly is: 'partial'; readonly remaining: readonly string[] }
  | { readonly is: 'refuse'; readonly remaining: readonly string[] }
  /** Only for keyboard-interactive. */
  | {
      readonly is: 'prompt'
      readonly name: string
      readonly instruction: string
      readonly prompts: readonly { readonly prompt: string; readonly echo: boolean }[]
    }
  /** Only for gssapi-with-mic: one of the mechanisms, and our end of it. */
  | { readonly is: 'gss'; readonly mechanism: GssMechanism; readonly context: GssContext }
  /** Only for password: expired, ask for a new one. */
  | { readonly is: 'change-password'; readonly prompt: string }

/** Does this attempt let the user in? Asked in order, one at a time. */
export interface AttemptQuestion extends Ask<Verdict> {
  readonly is: 'attempt'
  readonly user: string
  readonly service: string
  readonly attempt: ServerAttempt
  /**
   * Counts the questions since the user or service name last changed, from 0. At 0 whoever answers forgets what was
   * proven before (RFC 4252 §5).
   */
  readonly ordinal: number
  /** Shows a banner to the client before the verdict (RFC 4252 §5.4). */
  readonly banner: (message: string) => void
  /** Another number of failed attempts after which the connection ends, from this one on. */
  readonly limitAttempts?: (maximum: number) => void
}

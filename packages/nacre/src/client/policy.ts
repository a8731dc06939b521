// Owns what a client must decide and a program may decide for it: is this the right server, and what do we log in with?
// Knows nothing of where keys and answers are kept.
import type { Credential, CredentialQuestion, NewPasswordQuestion, PromptsQuestion } from '../auth/questions.ts'
import type { Secret } from '../crypto/secret.ts'
import { HostKeyError } from '../errors.ts'
import type { PublicKey } from '../keys/public.ts'
import type { ReachedBy } from './host-identity.ts'
import type { SessionProof } from '../transport/exchange.ts'

/** A host key whose signature over this connection was verified; only trust is open. */
export interface PresentedHostKey {
  readonly key: PublicKey
  /** `SHA256:…` */
  readonly fingerprint: string
  /** The signature algorithm, e.g. `rsa-sha2-512`. */
  readonly algorithm: string
  /** The name we meant to reach, and the port. */
  readonly host: string
  readonly port: number
  /** The address we reached, when the transport knows. */
  readonly address: string | undefined
}

/** All the host keys a server says it has, told after login (hostkeys-00@openssh.com, OpenSSH's PROTOCOL, 2.5). */
export interface AnnouncedHostKeys {
  /** Each once; without certificates and kinds we do not know. Nothing is proven of them. */
  readonly keys: readonly PublicKey[]
  /**
   * Has the server prove that it has these keys; resolves with those it proved by an algorithm that counts. Rejects with
   * `HostKeyError` when one proof is wrong, `RequestRefusedError` when the server will not, or what ended the connection.
   */
  prove(keys: readonly PublicKey[]): Promise<readonly PublicKey[]>
}

/** What follows from a host key that was taken. */
export interface HostKeyTrust {
  /**
   * It may be the wrong server and we go on all the same. Then nothing leaves that whoever is in between could use: no
   * password, no answer to a prompt, and no forwarding either way.
   */
  readonly untrusted?: boolean
  /** Called once, when the user is logged in and the server names all its keys. What it throws goes to nobody. */
  readonly announced?: (announced: AnnouncedHostKeys) => void | Promise<void>
}

/** Returns when the key is taken, perhaps with what follows; throws `HostKeyError` when it is not. */
export type HostKeyPolicy = (presented: PresentedHostKey) => HostKeyTrust | void | Promise<HostKeyTrust | void>

/** Trusts exactly these fingerprints (`SHA256:…`, as `ssh-keygen -l` prints them). */
export const pinnedHostKeys =
  (...fingerprints: readonly string[]): HostKeyPolicy =>
  presented => {
    if (fingerprints.includes(presented.fingerprint)) return
    throw new HostKeyError(
      'HOST_KEY_REFUSED',
      `The host key of ${presented.host} has the fingerprint ${presented.fingerprint}, not ${fingerprints.join(' or ')}. Someone may be in between, or the server has a new key.`,
      {
        fingerprint: presented.fingerprint,
        keyType: presented.key.type,
      },
    )
  }

/**
 * Trusts any server, so that whoever is in between reads and alters everything. For tests against a server this very
 * program has started, and nothing else.
 */
export const insecureAcceptAnyHostKey: HostKeyPolicy = () => {}

/** What a client logs in with. Asked again after each attempt; `give-up` ends it. */
export interface Identities {
  /** Order in which host keys are best asked for; e.g. types already known for this host. */
  readonly preferHostKeys?: readonly string[]
  /** Told once of what the connection is made over, as soon as that stands. */
  reached?(by: ReachedBy): void
  /** Told once, when the server's key has been taken and before any credential is asked for. */
  connected?(proof: SessionProof): void
  /** The next credential. */
  next(question: CredentialQuestion): Credential | Promise<Credential>
  /** Answers keyboard-interactive prompts; `undefined` cancels. */
  answer?(question: PromptsQuestion): readonly string[] | undefined | Promise<readonly string[] | undefined>
  /** A new password when the server asks for one; `undefined` cancels. */
  newPassword?(question: NewPasswordQuestion): Secret<string> | undefined | Promise<Secret<string> | undefined>
}

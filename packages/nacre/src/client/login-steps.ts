// Owns telling what a login does as it happens: what is tried, what came of it, who is asked. Decides nothing, and knows nothing of
// where credentials come from.
import type { Credential, CredentialQuestion } from '../auth/questions.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import { whenThere } from '../io/soon.ts'
import type { Identities } from './policy.ts'

/** A step of a login. Nothing in it is secret; what comes from the peer is unescaped. */
export type LoginStep =
  /** Something is about to be tried. With `asks`, the server is asked about the key before anything is signed. */
  | {
      readonly is: 'trying'
      readonly method: string
      readonly fingerprint?: string
      readonly algorithm?: string
      readonly source?: string
      readonly asks: boolean
    }
  /** The server would take the key that was asked about; next it is signed with. */
  | { readonly is: 'signing'; readonly method: string; readonly fingerprint: string; readonly source: string }
  /** The server asks this many questions (keyboard-interactive). */
  | { readonly is: 'prompted'; readonly prompts: number }
  /** What came of what was tried. */
  | { readonly is: 'answered'; readonly attempt: AuthenticationAttempt }
  /** Nothing is left to try; `notes` were not, with the reason. */
  | { readonly is: 'given-up'; readonly notes: readonly AuthenticationAttempt[] }

const trying = (credential: Exclude<Credential, { method: 'give-up' }>): LoginStep => ({
  is: 'trying',
  method: credential.method,
  ...('fingerprint' in credential ? { fingerprint: credential.fingerprint, algorithm: credential.algorithm } : {}),
  ...('source' in credential ? { source: credential.source } : {}),
  asks: 'query' in credential && credential.query,
})

/** Tells each step once. */
export class LoginWatch {
  readonly #tell: (step: LoginStep) => void
  #told = 0
  #asking = false

  constructor(tell: (step: LoginStep) => void) {
    this.#tell = tell
  }

  next(identities: Identities, question: CredentialQuestion): Credential | Promise<Credential> {
    this.answered(question.attempts)
    return whenThere(identities.next(question), credential => {
      this.#asking = 'query' in credential && credential.query
      this.#tell(credential.method === 'give-up' ? { is: 'given-up', notes: credential.notes } : trying(credential))
      return credential
    })
  }

  /** All attempts so far; those that were told are not told again. */
  answered(attempts: readonly AuthenticationAttempt[]): void {
    for (const attempt of attempts.slice(this.#told)) this.#tell({ is: 'answered', attempt })
    this.#told = attempts.length
  }

  signing({ method, fingerprint, source }: Extract<Credential, { method: 'publickey' | 'hostbased' }>): void {
    if (this.#asking) this.#tell({ is: 'signing', method, fingerprint, source })
  }

  prompted(prompts: number): void {
    this.#tell({ is: 'prompted', prompts })
  }
}

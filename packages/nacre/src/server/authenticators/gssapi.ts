// Owns the authenticator for mechanisms of GSS-API, such as Kerberos (RFC 4462): which mechanism of those a client names, and
// asking the check whether who it has proven may log in. Knows no mechanism.
import type { GssMechanism } from '../../auth/gss.ts'
import type { ServerAttempt } from '../../auth/questions.ts'
import { equalBytes } from '../../crypto/constant-time.ts'
import { whenThere } from '../../io/soon.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'
import { type Accepted, answerOf } from './outcome.ts'

/** Whom a mechanism has proven. */
export interface GssClaim {
  /** The mechanism's name. */
  readonly mechanism: string
  /** The name in the mechanism's own spelling, e.g. `ada@EXAMPLE.ORG`. It is not a user name here until the check says so. */
  readonly initiator: string
  /** Credentials the client delegated, as the mechanism left them. */
  readonly delegated: unknown
}

/** Says who that is here, or something falsy when it may not log in as `applicant.user`. */
export type GssCheck<Result> = (applicant: Applicant, claim: GssClaim) => Result | Promise<Result>

const choose = (
  mechanisms: readonly GssMechanism[],
  attempt: Extract<ServerAttempt, { method: 'gssapi-with-mic' }>,
): Extract<Answer<never>, { is: 'gss' | 'refuse' }> => {
  for (const wanted of attempt.mechanisms) {
    const mechanism = mechanisms.find(each => each.accept !== undefined && equalBytes(each.identifier, wanted))
    const context = mechanism?.accept?.()
    if (mechanism !== undefined && context !== undefined) return { is: 'gss', mechanism, context }
  }
  return { is: 'refuse' }
}

/**
 * Lets in by a mechanism of GSS-API: of those the client names, in its order, the first that we have. `keyExchange`: also by
 * the context of a key exchange by GSS-API (`gssapi-keyex`).
 */
export const gssapi = <Result>(
  mechanisms: readonly GssMechanism[],
  check: GssCheck<Result>,
  { keyExchange = false }: { readonly keyExchange?: boolean } = {},
): Authenticator<Accepted<Result>> => {
  const methods = keyExchange ? ['gssapi-keyex', 'gssapi-with-mic'] : ['gssapi-with-mic']
  return {
    methods,
    begin(applicant) {
      let begun: string | undefined
      return {
        remaining: () => methods,
        attempt(attempt) {
          if (attempt.method === 'gssapi-with-mic') {
            const chosen = choose(mechanisms, attempt)
            begun = chosen.is === 'gss' ? chosen.mechanism.name : undefined
            return chosen
          }
          const byMic = attempt.method === 'gssapi-with-mic-proof' && attempt.mechanism === begun
          begun = undefined
          // A proof by a mechanism of somebody else's choice, in a list of authenticators, is nothing to us.
          const proof =
            (attempt.method === 'gssapi-with-mic-proof' && byMic) || (attempt.method === 'gssapi-keyex' && keyExchange)
              ? attempt
              : undefined
          if (proof === undefined) return { is: 'refuse' }
          const { mechanism, initiator, delegated } = proof
          const result = check(applicant, { mechanism, initiator, delegated })
          return whenThere<Awaited<Result>, Answer<Accepted<Result>>>(
            result as Awaited<Result> | Promise<Awaited<Result>>,
            answerOf<Result>,
          )
        },
      }
    },
  }
}

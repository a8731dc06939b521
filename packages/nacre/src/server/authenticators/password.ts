// Owns the authenticator for passwords and their change. Knows nothing of how passwords are stored or compared.
import type { Secret } from '../../crypto/secret.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'
import { whenThere } from '../../io/soon.ts'
import { type Accepted, answerOf } from './outcome.ts'

/** Returned by a check: the password is right but must be changed first. */
export class PasswordExpired {
  readonly prompt: string
  constructor(prompt: string) {
    this.prompt = prompt
  }
}
/** The password is right, and has to be changed before anybody gets in. `prompt` is shown to the person. */
export const passwordExpired = (prompt = 'Your password has expired. Choose a new one.'): PasswordExpired => new PasswordExpired(prompt)

/** The identity, or something falsy to refuse. Compare secrets in constant time, and unknown users as slowly as known. */
export type PasswordCheck<Result> = (applicant: Applicant, password: Secret<string>) => Result | Promise<Result>
/** Must check the old password itself: a client may send a change without being asked (RFC 4252 §8). */
export type PasswordChange<Result> = (
  applicant: Applicant,
  oldPassword: Secret<string>,
  newPassword: Secret<string>,
) => Result | Promise<Result>

type PasswordIdentity<Result> = Exclude<Accepted<Result>, PasswordExpired>

/** Lets in by password. With `change`, a check may return `passwordExpired()`; so may the change, to refuse the new one. */
export const password = <Result, Changed = never>(
  check: PasswordCheck<Result>,
  options: { readonly change?: PasswordChange<Changed> } = {},
): Authenticator<PasswordIdentity<Result> | PasswordIdentity<Changed>> => {
  const { change } = options
  type Yield = Answer<PasswordIdentity<Result> | PasswordIdentity<Changed>>
  const answer = (result: unknown): Yield => {
    if (!(result instanceof PasswordExpired)) return answerOf(result as PasswordIdentity<Result>) as Answer<PasswordIdentity<Result>>
    if (change === undefined) throw new TypeError('password(…) was told that a password has expired, but was given no `change`.')
    return { is: 'change-password', prompt: result.prompt }
  }
  return {
    methods: ['password'],
    begin: applicant => ({
      remaining: () => ['password'],
      attempt(attempt) {
        if (attempt.method === 'password') return whenThere<unknown, Yield>(check(applicant, attempt.password), answer)
        if (attempt.method === 'password-change' && change)
          return whenThere<unknown, Yield>(change(applicant, attempt.oldPassword, attempt.newPassword), answer)
        return { is: 'refuse' }
      },
    }),
  }
}

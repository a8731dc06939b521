// Owns letting people in without any proof. Its name is long so that nobody writes it by accident.
import type { Applicant, Authenticator } from '../authenticate.ts'
import { type Accepted, answerOf } from './outcome.ts'

/**
 * Lets in everybody who connects, under whatever name they say (method "none", RFC 4252 §5.2). `identify` gives them an
 * identity, or something falsy to refuse. For games and public services whose sessions can do no harm.
 */
export const allowAnyoneWithoutProof = <Result>(
  identify: (applicant: Applicant) => Result | Promise<Result>,
): Authenticator<Accepted<Result>> => ({
  methods: ['none'],
  begin: applicant => ({
    remaining: () => ['none'],
    attempt: async attempt => (attempt.method === 'none' ? answerOf<Result>(await identify(applicant)) : { is: 'refuse' }),
  }),
})

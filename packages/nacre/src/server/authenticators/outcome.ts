// Owns what the return value of a check means. Knows nothing of methods.
import type { Answer } from '../authenticate.ts'

/** What a check may return to refuse. All of it is falsy, so a check that returns a boolean does what it says. */
export type Refusal = undefined | null | false | '' | 0 | 0n | void

/** The identity a check yields: its result without what refuses. */
export type Accepted<Result> = Exclude<Awaited<Result>, Refusal>

/** Everything falsy refuses. */
export const answerOf = <Result>(result: Result): Answer<Accepted<Result>> =>
  result ? { is: 'accept', identity: result as Accepted<Result> } : { is: 'refuse' }

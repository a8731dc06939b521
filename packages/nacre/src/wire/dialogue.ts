// Owns the dialogue: a generator that reads like the RFC and yields three things, `send`, `receive` and `ask`.
// Knows neither who runs it nor what the questions mean. The runner may answer now, or much later.
import type { Message } from './message.ts'

/** A question and, as a phantom, the type of its answer. Questions are plain values with a literal `is`. */
export interface Ask<Answer> {
  readonly is: string
  readonly answerType?: Answer
}

/** What `receive` hands back: the message's name and its fields. */
export type Received<M> = M extends Message<infer N, infer T> ? { readonly is: N; readonly value: T; readonly payload: Uint8Array } : never

export type Step =
  | { readonly do: 'send'; readonly message: Message; readonly value: unknown }
  | { readonly do: 'receive'; readonly messages: readonly Message[] }
  | { readonly do: 'ask'; readonly question: Ask<unknown> }

export type Dialogue<Result> = Generator<Step, Result, unknown>

/** Sends one message. */
export function* send<T>(of: Message<string, T>, value: T): Dialogue<void> {
  yield { do: 'send', message: of, value }
}

/** Waits for the one message that may come now; any other ends the connection as a violation. Returns its fields. */
export function* receive<T>(of: Message<string, T>): Dialogue<T> {
  const received = (yield { do: 'receive', messages: [of] }) as { value: T }
  return received.value
}

/** Waits for any one of several messages; `is` tells which. Byte fields are views, valid until the next step. */
export function* receiveAny<const M extends readonly Message[]>(...messages: M): Dialogue<Received<M[number]>> {
  return (yield { do: 'receive', messages }) as Received<M[number]>
}

/** Asks whoever runs the dialogue; it goes on when the answer is there. */
export function* ask<Answer>(question: Ask<Answer>): Dialogue<Answer> {
  return (yield { do: 'ask', question }) as Answer
}

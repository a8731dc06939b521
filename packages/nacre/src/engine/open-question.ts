// Owns a question on its way to whoever can answer it: answered or failed once, now or later. Knows nothing of what is asked.
import type { Ask } from '../wire/dialogue.ts'
import type { Asker } from './authentication.ts'
import type { EngineQuestion } from './events.ts'

/** The question as an event shows it. `act` runs what an answer sets going, unless the connection has ended meanwhile. */
export const openQuestion = (question: Ask<unknown>, to: Asker, act: (answering: () => void) => void): EngineQuestion => {
  let open = true
  const once = (answering: () => void): void => {
    if (!open) throw new TypeError('a question can be answered once')
    open = false
    act(answering)
  }
  const asked = {
    about: question.is,
    ask: question,
    answer: (value: unknown) => once(() => to.answer(value)),
    fail: (error: unknown) => once(() => to.fail(error)),
  }
  return asked as unknown as EngineQuestion
}

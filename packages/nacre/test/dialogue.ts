// Owns running a dialogue against a list: "when it sends X, give it Y". It behaves like the engine: messages pass
// through their codecs, views die with the next step, and a message that is not awaited is a violation.
import assert from 'node:assert/strict'
import { ProtocolError } from '../src/errors.ts'
import type { Ask, Dialogue, Step } from '../src/wire/dialogue.ts'
import { decodeMessage, encodeMessage, type Message } from '../src/wire/message.ts'

/** One line of a script. */
export type Line =
  /** The dialogue sends this message; `fields` are those that matter. */
  | { readonly line: 'sends'; readonly message: Message; readonly fields: object }
  /** The peer sends this payload; the dialogue must be waiting. */
  | { readonly line: 'gives'; readonly payload: Uint8Array }
  /** The dialogue asks this question; `answer` may look at it. */
  | { readonly line: 'asks'; readonly is: string; readonly answer: (question: never) => unknown }

/** The dialogue sends `message`; the `fields` given must be equal. */
export const sends = <T extends object>(message: Message<string, T>, fields: Partial<T> = {}): Line => ({ line: 'sends', message, fields })

/** The peer sends `message`. */
export const gives = <T>(message: Message<string, T>, value: T): Line => ({ line: 'gives', payload: encodeMessage(message, value) })

/** The peer sends these bytes. */
export const givesBytes = (payload: Uint8Array): Line => ({ line: 'gives', payload })

/** The dialogue asks a question of this kind; the answer is a value or made from the question. */
export const asks = <Q extends Ask<unknown> = Ask<unknown>>(is: Q['is'], answer: unknown | ((question: Q) => unknown)): Line => ({
  line: 'asks',
  is,
  answer: typeof answer === 'function' ? (answer as (question: never) => unknown) : () => answer,
})

export type Outcome<Result> =
  | { readonly is: 'returned'; readonly result: Result }
  | { readonly is: 'threw'; readonly error: Error }
  /** The script is over and the dialogue wants to go on. */
  | { readonly is: 'waiting'; readonly step: Step }

/** Runs `dialogue` by the lines; every line must be used, in order. What the dialogue throws becomes its outcome. */
export const play = <Result>(dialogue: Dialogue<Result>, lines: readonly Line[]): Outcome<Result> => {
  let given: Uint8Array | undefined
  const advance = (go: () => IteratorResult<Step, Result>): IteratorResult<Step, Result> | { error: Error } => {
    try {
      return go()
    } catch (error) {
      return { error: error as Error }
    } finally {
      // Whoever kept a view of the message before now reads rubbish, as with the engine's receive buffer.
      given?.fill(0xee)
      given = undefined
    }
  }
  let state = advance(() => dialogue.next())
  for (const [index, line] of lines.entries()) {
    const where = `line ${index + 1} (${describeLine(line)})`
    if ('error' in state) throw new Error(`${where}: the dialogue had thrown`, { cause: state.error })
    assert.ok(!state.done, `${where}: the dialogue had returned`)
    const step: Step = state.value
    if (line.line === 'sends') {
      assert.ok(step.do === 'send', `${where}: the dialogue ${describeStep(step)}`)
      assert.equal(step.message.name, line.message.name, where)
      const sent = decodeMessage(step.message, encodeMessage(step.message, step.value))
      for (const [field, value] of Object.entries(line.fields))
        assert.deepEqual((sent as Record<string, unknown>)[field], value, `${where}: ${field}`)
      state = advance(() => dialogue.next(undefined))
    } else if (line.line === 'asks') {
      assert.ok(step.do === 'ask', `${where}: the dialogue ${describeStep(step)}`)
      assert.equal(step.question.is, line.is, where)
      const answer = line.answer(step.question as never)
      state = advance(() => dialogue.next(answer))
    } else {
      assert.ok(step.do === 'receive', `${where}: the dialogue ${describeStep(step)}`)
      const payload = line.payload.slice()
      const received = receivedBy(step.messages, payload)
      given = payload
      // A violation ends the connection; the dialogue is not told.
      state = 'error' in received ? { error: received.error } : advance(() => dialogue.next(received))
    }
  }
  if ('error' in state) return { is: 'threw', error: state.error }
  return state.done ? { is: 'returned', result: state.value } : { is: 'waiting', step: state.value }
}

/** What the engine makes of a payload while a dialogue waits for one of `messages`. */
const receivedBy = (messages: readonly Message[], payload: Uint8Array) => {
  const expected = messages.find(each => each.number === payload[0])
  if (!expected)
    return {
      error: new ProtocolError('message-unexpected', `message ${payload[0]} where ${messages.map(each => each.name).join(' or ')} belongs`),
    }
  try {
    return { is: expected.name, value: decodeMessage(expected, payload), payload }
  } catch (cause) {
    return { error: new ProtocolError('malformed-message', `${expected.name}: ${(cause as Error).message}`, {}, { cause }) }
  }
}

const describeLine = (line: Line): string =>
  line.line === 'sends' ? `sends ${line.message.name}` : line.line === 'asks' ? `asks ${line.is}` : `is given message ${line.payload[0]}`

const describeStep = (step: Step): string =>
  step.do === 'send'
    ? `sends ${step.message.name} ${JSON.stringify(step.value)}`
    : step.do === 'ask'
      ? `asks ${step.question.is}`
      : `waits for ${step.messages.map(each => each.name).join(' or ')}`

/** The result of a dialogue that must have returned. */
export const returned = <Result>(outcome: Outcome<Result>): Result => {
  if (outcome.is === 'threw') throw outcome.error
  assert.equal(outcome.is, 'returned', outcome.is === 'waiting' ? `it ${describeStep(outcome.step)}` : '')
  return (outcome as { result: Result }).result
}

/** The error of a dialogue that must have thrown, and be of this class. */
export const thrown = <E extends Error>(outcome: Outcome<unknown>, kind: abstract new (...args: never[]) => E): E => {
  assert.equal(outcome.is, 'threw')
  const { error } = outcome as { error: Error }
  assert.ok(error instanceof kind, `${error.name}: ${error.message}`)
  return error
}

/** Asserts that the dialogue waits for a message now. */
export const waits = (outcome: Outcome<unknown>): void => {
  if (outcome.is === 'threw') throw outcome.error
  assert.ok(
    outcome.is === 'waiting' && outcome.step.do === 'receive',
    outcome.is === 'waiting' ? `it ${describeStep(outcome.step)}` : 'it returned',
  )
}

/**
 * Joins two dialogues in memory; each answers its questions by its own function. Messages go through their codecs and
 * queues, so pipelining works. Returns both results, or throws what either threw.
 */
export const converse = async <L, R>(
  left: { readonly dialogue: Dialogue<L>; readonly answer: (question: never) => unknown },
  right: { readonly dialogue: Dialogue<R>; readonly answer: (question: never) => unknown },
): Promise<{ readonly left: L; readonly right: R; readonly transcript: readonly string[] }> => {
  const transcript: string[] = []
  const side = <T>(who: string, of: { dialogue: Dialogue<T>; answer: (question: never) => unknown }) => ({
    who,
    ...of,
    inbox: [] as Uint8Array[],
    state: of.dialogue.next(),
  })
  const sides = [side('left', left), side('right', right)] as const
  for (let idle = 0; idle < 2;) {
    for (const [index, me] of sides.entries()) {
      idle++
      while (!me.state.done) {
        const step: Step = me.state.value
        if (step.do === 'send') {
          const payload = encodeMessage(step.message, step.value)
          sides[1 - index].inbox.push(payload)
          transcript.push(`${me.who}: ${step.message.name}`)
          me.state = me.dialogue.next(undefined) as typeof me.state
        } else if (step.do === 'ask') {
          me.state = me.dialogue.next(await me.answer(step.question as never)) as typeof me.state
        } else {
          const payload = me.inbox.shift()
          if (!payload) break
          const received = receivedBy(step.messages, payload)
          if ('error' in received) throw received.error
          me.state = me.dialogue.next(received) as typeof me.state
        }
        idle = 0
      }
    }
  }
  const [l, r] = sides
  assert.ok(l.state.done && r.state.done, `the conversation stopped: ${transcript.join(', ')}`)
  return { left: l.state.value as L, right: r.state.value as R, transcript }
}

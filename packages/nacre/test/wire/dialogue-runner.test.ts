// How a dialogue is run: sends go out, messages and answers come in, anything else is a violation.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ProtocolError, WireError } from '../../src/errors.ts'
import { byte, text } from '../../src/wire/codec.ts'
import { type Ask, ask, type Dialogue, receive, receiveAny, send } from '../../src/wire/dialogue.ts'
import { DialogueRunner } from '../../src/wire/dialogue-runner.ts'
import { encodeMessage, type Message, message } from '../../src/wire/message.ts'

const Hello = message({ name: 'HELLO', number: 60, phase: 'auth', from: 'either' }, { who: text })
const Number = message({ name: 'NUMBER', number: 61, phase: 'auth', from: 'either' }, { value: byte })

interface Doubling extends Ask<number> {
  readonly is: 'double'
  readonly value: number
}
const double = (value: number): Doubling => ({ is: 'double', value })

const run = <R>(dialogue: Dialogue<R>, onAsk: (question: Ask<unknown>, runner: DialogueRunner<R>) => void = () => {}) => {
  const sent: [string, unknown][] = []
  const results: R[] = []
  const runner: DialogueRunner<R> = new DialogueRunner(dialogue, {
    send: (of: Message, value) => sent.push([of.name, value]),
    ask: question => onAsk(question, runner),
    finished: result => results.push(result),
  })
  runner.start()
  return { runner, sent, results }
}

describe('a dialogue', () => {
  it('sends, receives and returns', () => {
    const { runner, sent, results } = run(
      (function* (): Dialogue<string> {
        yield* send(Hello, { who: 'us' })
        const { who } = yield* receive(Hello)
        return who
      })(),
    )
    assert.deepEqual(sent, [['HELLO', { who: 'us' }]])
    runner.receive(encodeMessage(Hello, { who: 'them' }))
    assert.deepEqual(results, ['them'])
  })

  it('tells which of several messages came', () => {
    const { runner, results } = run(
      (function* (): Dialogue<string> {
        const received = yield* receiveAny(Hello, Number)
        return received.is === 'NUMBER' ? `number ${received.value.value}` : received.value.who
      })(),
    )
    runner.receive(encodeMessage(Number, { value: 7 }))
    assert.deepEqual(results, ['number 7'])
  })

  it('refuses a message it does not wait for, and names what it waits for', () => {
    const { runner } = run(receive(Hello))
    assert.throws(
      () => runner.receive(encodeMessage(Number, { value: 1 })),
      (error: unknown) =>
        error instanceof ProtocolError && error.violation === 'message-unexpected' && /HELLO was awaited/.test(error.message),
    )
  })

  it('refuses a malformed message', () => {
    const { runner } = run(receive(Hello))
    assert.throws(() => runner.receive(Uint8Array.of(60, 0, 0, 0, 9)), WireError)
  })

  const doubling = function* (times: number): Dialogue<number> {
    let value = 1
    for (let i = 0; i < times; i++) value = yield* ask(double(value))
    return value
  }

  it('goes on when an answer comes at once, however often', () => {
    const { results } = run(doubling(20), (question, runner) => runner.answer((question as Doubling).value * 2))
    assert.deepEqual(results, [2 ** 20])
  })

  it('takes no message while an answer is due, and goes on when it comes later', () => {
    const { runner, results } = run(doubling(1))
    assert.equal(runner.suspended, true)
    assert.throws(() => runner.receive(encodeMessage(Hello, { who: 'x' })), ProtocolError)
    runner.answer(2)
    assert.equal(runner.suspended, false)
    assert.deepEqual(results, [2])
  })

  it('sees a failed answer as an exception', () => {
    const { runner } = run(doubling(1))
    assert.throws(() => runner.fail(new RangeError('no')), RangeError)
    runner.answer(2)
  })

  it('does nothing more once abandoned', () => {
    const { runner, results } = run(doubling(1))
    runner.abandon()
    runner.answer(2)
    assert.deepEqual(results, [])
  })
})

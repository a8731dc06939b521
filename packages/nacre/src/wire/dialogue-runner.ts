// Owns running one dialogue: it hands over messages and answers, and knows what the dialogue waits for. Knows nothing of
// what the messages mean; the host sends them and takes the questions. Whatever the dialogue throws passes through the
// call that made it go on.
import { ProtocolError } from '../errors.ts'
import { decodeMessage, type Message } from './message.ts'
import type { Ask, Dialogue, Step } from './dialogue.ts'

export interface DialogueHost<Result> {
  send(message: Message, value: unknown): void
  /** Takes a question. Answers by `DialogueRunner.answer`, before it returns or later. */
  ask(question: Ask<unknown>): void
  finished(result: Result): void
}

type Waiting =
  | { readonly for: 'start' }
  | { readonly for: 'message'; readonly messages: readonly Message[] }
  | { readonly for: 'answer' }
  | { readonly for: 'nothing' }

export class DialogueRunner<Result> {
  readonly #dialogue: Dialogue<Result>
  readonly #host: DialogueHost<Result>
  #waiting: Waiting = { for: 'start' }
  #stepping = false
  #answered: { readonly value: unknown } | undefined

  constructor(dialogue: Dialogue<Result>, host: DialogueHost<Result>) {
    this.#dialogue = dialogue
    this.#host = host
  }

  start(): void {
    if (this.#waiting.for === 'start') this.#run(() => this.#dialogue.next(undefined))
  }

  /** True while an answer is due: no message may be handed over then. */
  get suspended(): boolean {
    return this.#waiting.for === 'answer'
  }

  /** The declaration by which a payload with this number would be read now. */
  expects(number: number): Message | undefined {
    return this.#waiting.for === 'message' ? this.#waiting.messages.find(each => each.number === number) : undefined
  }

  /** Hands over a payload. Throws `ProtocolError` when the dialogue does not wait for it. */
  receive(payload: Uint8Array): void {
    const message = this.expects(payload[0])
    if (message === undefined) {
      const awaited = this.#waiting.for === 'message' ? this.#waiting.messages.map(each => each.name).join(' or ') : 'nothing'
      throw new ProtocolError('message-unexpected', `Message ${payload[0]} came where ${awaited} was awaited.`)
    }
    const received = { is: message.name, value: decodeMessage(message, payload), payload }
    this.#run(() => this.#dialogue.next(received))
  }

  /** Answers the question asked last. Does nothing when none is open: the connection ended meanwhile. */
  answer(value: unknown): void {
    if (this.#waiting.for !== 'answer') return
    if (this.#stepping) this.#answered = { value }
    else this.#run(() => this.#dialogue.next(value))
  }

  /** The question asked last cannot be answered: the dialogue goes on by throwing `error` at it. */
  fail(error: unknown): void {
    if (this.#waiting.for === 'answer') this.#run(() => this.#dialogue.throw(error))
  }

  /** Ends the dialogue where it stands. */
  abandon(): void {
    this.#waiting = { for: 'nothing' }
  }

  #run(first: () => IteratorResult<Step, Result>): void {
    this.#stepping = true
    try {
      let turn = first()
      for (;;) {
        if (turn.done) {
          this.#waiting = { for: 'nothing' }
          this.#stepping = false
          this.#host.finished(turn.value)
          return
        }
        const step = turn.value
        if (step.do === 'send') {
          this.#host.send(step.message, step.value)
          turn = this.#dialogue.next(undefined)
        } else if (step.do === 'receive') {
          this.#waiting = { for: 'message', messages: step.messages }
          return
        } else {
          this.#waiting = { for: 'answer' }
          this.#answered = undefined
          this.#host.ask(step.question)
          const answered = this.#answered as { readonly value: unknown } | undefined
          if (answered === undefined) return
          turn = this.#dialogue.next(answered.value)
        }
      }
    } catch (error) {
      this.#waiting = { for: 'nothing' }
      throw error
    } finally {
      this.#stepping = false
    }
  }
}

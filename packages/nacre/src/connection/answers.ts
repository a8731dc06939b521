// Owns replies in the order of their questions (RFC 4254 §4, §5.4), whatever order the answers come in. Knows nothing of
// what was asked.
import { ProtocolError } from '../errors.ts'

const nothing = new Uint8Array(0)

interface Answer {
  readonly ok: boolean
  readonly details: Uint8Array
}

const agreed: Answer = { ok: true, details: nothing }
const refused: Answer = { ok: false, details: nothing }

/** A request of the peer. It is answered once, now or later; a second answer throws `TypeError`. */
export class Question<R> {
  readonly request: R
  /** False when nobody waits for the answer; giving one is harmless. */
  readonly wantReply: boolean
  /** For the line: what was answered. */
  answer: Answer | undefined
  readonly #line: AnswerLine | undefined

  /** Stands in `line` from now on, if it wants a reply. */
  constructor(request: R, line: AnswerLine | undefined) {
    this.request = request
    this.wantReply = line !== undefined
    this.#line = line
    line?.add(this)
  }

  succeed(details?: Uint8Array): void {
    this.#give(details === undefined ? agreed : { ok: true, details })
  }

  fail(): void {
    this.#give(refused)
  }

  #give(answer: Answer): void {
    if (this.answer !== undefined) throw new TypeError('a request can be answered once')
    this.answer = answer
    this.#line?.advance()
  }
}

/** The replies we owe. */
export class AnswerLine {
  readonly #send: (ok: boolean, details: Uint8Array) => void
  readonly #limit: number
  #line: Question<unknown>[] | undefined

  /** `limit` is how many may wait. */
  constructor(limit: number, send: (ok: boolean, details: Uint8Array) => void) {
    this.#limit = limit
    this.#send = send
  }

  /** Nobody waits. */
  get empty(): boolean {
    return this.#line === undefined
  }

  add(question: Question<unknown>): void {
    if (this.#line === undefined) {
      this.#line = [question]
      return
    }
    if (this.#line.length >= this.#limit) {
      throw new ProtocolError(
        'too-many-pending-requests',
        `The peer made another request while ${this.#limit} of its requests wait for a reply.`,
      )
    }
    this.#line.push(question)
  }

  /** Nobody wants the replies any more. Answers that still come do nothing. */
  abandon(): void {
    this.#line = undefined
  }

  /** An answer was given: it is sent, and those after it that waited for it, once all before it have been. */
  advance(): void {
    while (this.#line !== undefined) {
      const { answer } = this.#line[0]
      if (answer === undefined) return
      this.#line.shift()
      if (this.#line.length === 0) this.#line = undefined
      this.#send(answer.ok, answer.details)
    }
  }
}

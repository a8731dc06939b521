// Owns replies in the order of their questions (RFC 4254 §4, §5.4), whatever order the answers come in. Knows nothing of
// what was asked.
import { ProtocolError } from '../errors.ts'

const nothing = new Uint8Array(0)

interface Place {
  answer: { readonly ok: boolean; readonly details: Uint8Array } | undefined
}

/** Gives one answer; throws `TypeError` the second time. */
export type Answer = (ok: boolean, details?: Uint8Array) => void

/** The replies we owe. */
export class AnswerLine {
  readonly #send: (ok: boolean, details: Uint8Array) => void
  readonly #limit: number
  readonly #line: Place[] = []

  /** `limit` is how many may wait. */
  constructor(limit: number, send: (ok: boolean, details: Uint8Array) => void) {
    this.#limit = limit
    this.#send = send
  }

  /** Nobody waits. */
  get empty(): boolean {
    return this.#line.length === 0
  }

  /** A place in the line, unless no reply is wanted. */
  add(wantReply: boolean): Answer {
    const place: Place = { answer: undefined }
    if (wantReply) {
      if (this.#line.length >= this.#limit) {
        throw new ProtocolError(
          'too-many-pending-requests',
          `The peer made another request while ${this.#limit} of its requests wait for a reply.`,
        )
      }
      this.#line.push(place)
    }
    return (ok, details = nothing) => {
      if (place.answer !== undefined) throw new TypeError('a request can be answered once')
      place.answer = { ok, details }
      this.#advance()
    }
  }

  /** Nobody wants the replies any more. Answers that still come do nothing. */
  abandon(): void {
    this.#line.length = 0
  }

  #advance(): void {
    while (this.#line.length > 0) {
      const { answer } = this.#line[0]
      if (answer === undefined) return
      this.#line.shift()
      this.#send(answer.ok, answer.details)
    }
  }
}

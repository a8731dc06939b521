// Owns global requests both ways (RFC 4254 §4): replies leave in the order of the requests, and answers to ours are
// expected in the order we asked. Knows nothing of channels or of what a request does.
import { ProtocolError } from '../errors.ts'
import { encode } from '../wire/codec.ts'
import { AnswerLine, Question } from './answers.ts'
import type { GlobalRequestRow } from './global-requests/row.ts'
import { GlobalRequest, RequestFailure, RequestSuccess } from './messages.ts'
import type { ConnectionOut } from './out.ts'

/**
 * How a global request of ours ended. `details` are those of a success, a view valid until it returns. `error` is set when
 * no reply can come any more.
 */
export type OnGlobalReply = (ok: boolean, details: Uint8Array, error?: Error) => void

const nothing = new Uint8Array(0)

export class GlobalRequests {
  readonly #out: ConnectionOut
  readonly #answers: AnswerLine
  readonly #pending: OnGlobalReply[] = []

  constructor(out: ConnectionOut, limit: number) {
    this.#out = out
    this.#answers = new AnswerLine(limit, (ok, details) => {
      if (ok) out.send(RequestSuccess, { details })
      else out.send(RequestFailure, {})
    })
  }

  send<T>(row: GlobalRequestRow<string, T>, value: T, onReply: OnGlobalReply | undefined): void {
    const details = encode(row.codec, value)
    if (onReply !== undefined) this.#pending.push(onReply)
    this.#out.send(GlobalRequest, { requestName: row.name, wantReply: onReply !== undefined, details })
  }

  /** A request of the peer; it has its place in the line. */
  asked<R>(request: R, wantReply: boolean): Question<R> {
    return new Question(request, wantReply ? this.#answers : undefined)
  }

  replied(ok: boolean, details: Uint8Array): void {
    const onReply = this.#pending.shift()
    if (onReply === undefined) {
      throw new ProtocolError('global-reply-unexpected', 'The peer answered a global request that nobody made (RFC 4254 §4).')
    }
    onReply(ok, details)
  }

  end(error: Error): void {
    this.#answers.abandon()
    for (const onReply of this.#pending.splice(0)) onReply(false, nothing, error)
  }
}

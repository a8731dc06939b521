// Owns two channels joined into one, of two connections: data, requests, ends, each way, with the back-pressure of both. Knows nothing
// of what they are for.
import type { ChannelRequestQuestion, ChannelRequestValue } from '../connection/questions.ts'
import { channelRequests } from '../connection/requests/table.ts'
import type { RequestRow } from '../connection/requests/row.ts'
import type { ChannelPort, PortHandler, Waker } from '../io/channel-port.ts'
import { encode, rest } from '../wire/codec.ts'

/** Details as they stand on the wire. */
export const rawRow = (name: string): { readonly name: string; readonly codec: typeof rest } => ({ name, codec: rest })

const standard: readonly RequestRow[] = channelRequests

/** The details of a request as they were; `undefined` for a row of a program's own, which only the program can write. */
const detailsOf = (request: ChannelRequestValue): Uint8Array | undefined => {
  if (request.type === 'unknown') return request.details
  const row = standard.find(each => each.name === request.name)
  return row === undefined ? undefined : encode(row.codec, request.value)
}

const unheard = (): void => {}

/** What comes of one channel goes into the other. */
class Half implements PortHandler {
  readonly #from: ChannelPort
  readonly #to: ChannelPort
  readonly #asking: Waker
  readonly #passes: (name: string) => boolean

  readonly #keepsWhenLost: boolean

  constructor(from: End, to: End, passes: (name: string) => boolean, keepsWhenLost: boolean) {
    this.#keepsWhenLost = keepsWhenLost
    this.#from = from.port
    this.#to = to.port
    this.#asking = from.link
    this.#passes = passes
  }

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    const count = bytes.length
    const waits = this.#to.write(detached ? bytes : bytes.slice(), type)
    if (waits === undefined) this.#from.consume(count)
    else waits.then(() => this.#from.consume(count), unheard)
  }

  eof(): void {
    this.#to.eof()
  }

  request(question: ChannelRequestQuestion): void {
    const { request, wantReply } = question
    const details = this.#passes(request.name) ? detailsOf(request) : undefined
    if (details === undefined) question.fail()
    else if (!wantReply) this.#to.notify(rawRow(request.name), details)
    else
      this.#to.request(rawRow(request.name), details, error => {
        if (error === undefined) question.succeed()
        else question.fail()
        this.#asking.wake()
      })
  }

  closed(error: Error | undefined): void {
    // A connection that was lost has not closed its channels: whoever is behind it is cut off as a whole.
    if (error === undefined || !this.#keepsWhenLost) this.#to.close()
  }
}

const everything = (): boolean => true

/** A channel, and the link it belongs to: answers are given long after the event that asked. */
export interface End {
  readonly port: ChannelPort
  readonly link: Waker
}

/**
 * Joins `inner` and `outer`. Requests from `inner` pass if `passes` says so; others fail. When the connection of `outer` is lost
 * `inner` is left to whoever ends its own.
 */
export const bridge = (inner: End, outer: End, passes: (name: string) => boolean = everything): void => {
  inner.port.handle(new Half(inner, outer, passes, false))
  outer.port.handle(new Half(outer, inner, everything, true))
}

// Owns the shape of a global request's row (RFC 4254 §4). One row a file; `table.ts` lists them.
import type { Codec } from '../../wire/codec.ts'
import type { Row } from '../row.ts'

/** A global request. Add your own by the option `globalRequests`. */
export interface GlobalRequestRow<N extends string = string, T = unknown, Reply = unknown> extends Row<N, T> {
  /** What stands in a SSH_MSG_REQUEST_SUCCESS that answers it; nothing when left out. */
  readonly reply?: Codec<Reply>
}

// Owns the shape of a channel request's row (RFC 4254 §5.4). One row a file; `table.ts` lists them.
import type { Row } from '../row.ts'

/** A channel request. Add your own by the option `requests`. */
export type RequestRow<N extends string = string, T = unknown> = Row<N, T>

// Owns the shape of a channel type's row (RFC 4254 §5.1). One row a file; `table.ts` lists them.
import type { Row } from '../row.ts'

/** A channel type; the codec is of what follows the maximum packet size in an open. Add your own by the option `channelTypes`. */
export type ChannelTypeRow<N extends string = string, T = unknown> = Row<N, T>

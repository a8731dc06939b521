// Owns what this layer tells its user: one discriminated union, and the question of an open. Knows nothing of who answers.
import type { ChannelOpenFailureReason } from '../errors.ts'
import type { Channel, ChannelEvent } from './channel.ts'
import type { channelTypes } from './channel-types/table.ts'
import type { GlobalRequestQuestion } from './questions.ts'
import type { Named } from './row.ts'

export type { ConnectionOut } from './out.ts'
export type { ChannelRequestQuestion, GlobalRequestQuestion } from './questions.ts'

/** Details of an open, read by the row of its `type`. For rows of your own ask `isOf(details, row)`. */
export type OpenValue = Named<(typeof channelTypes)[number]>

/**
 * The peer wants a channel (RFC 4254 §5.1). Answered once, now or later, in any order; a second answer throws `TypeError`.
 * After the connection has ended `refuse` does nothing and `accept` throws what ended it. Both are methods: call them on it.
 */
export interface OpenQuestion {
  /** The name on the wire, also of a type nobody declared. */
  readonly channelType: string
  readonly details: OpenValue
  /** `details` are those of the type's confirmation, for the few types that have some. */
  accept(details?: Uint8Array): Channel
  /** `description` is for people at the other end. */
  refuse(reason: ChannelOpenFailureReason, description?: string): void
}

export type ConnectionEvent =
  | ChannelEvent
  | { readonly is: 'open-request'; readonly question: OpenQuestion }
  | { readonly is: 'global-request'; readonly question: GlobalRequestQuestion }

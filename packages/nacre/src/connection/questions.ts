// Owns the requests a peer makes and the way to answer them. Each is answered once, now or later, in any order; replies
// leave in the order of the requests. An answer after the end does nothing, a second one throws `TypeError`. The answers are
// methods: they are called on their question.
import type { globalRequests } from './global-requests/table.ts'
import type { channelRequests } from './requests/table.ts'
import type { Named } from './row.ts'

/** A channel request, read by the row of its `type`. For rows of your own ask `isOf(request, row)`. */
export type ChannelRequestValue = Named<(typeof channelRequests)[number]>
/** A global request, read by the row of its `type`. */
export type GlobalRequestValue = Named<(typeof globalRequests)[number]>

export interface ChannelRequestQuestion {
  readonly request: ChannelRequestValue
  /** False when nobody waits for the answer; giving one is harmless. */
  readonly wantReply: boolean
  succeed(): void
  fail(): void
}

export interface GlobalRequestQuestion {
  readonly request: GlobalRequestValue
  readonly wantReply: boolean
  /** `details` are what the `reply` of the row declares, encoded. */
  succeed(details?: Uint8Array): void
  fail(): void
}

// Owns what ChannelTimeout says of a channel: which line of it counts for a type. Knows nothing of channels.
import { matchesWildcard } from '../patterns.ts'

/** A pattern for types of channels, and after how many seconds those are closed; 0 for never. */
export interface ChannelTime {
  readonly type: string
  readonly seconds: number
}

/** All channels together; no pattern for single ones means it. */
const allChannels = 'global'

/** The limits of a connection, by the first pattern that fits each type. */
export const channelTimes = (
  times: readonly ChannelTime[],
): { readonly idleMilliseconds: (type: string) => number | undefined; readonly idleTogetherMilliseconds: number } => ({
  idleMilliseconds: type => {
    const found = times.find(each => each.type !== allChannels && matchesWildcard(each.type, type))
    return found === undefined || found.seconds === 0 ? undefined : found.seconds * 1000
  },
  idleTogetherMilliseconds: (times.findLast(each => each.type === allChannels)?.seconds ?? 0) * 1000,
})

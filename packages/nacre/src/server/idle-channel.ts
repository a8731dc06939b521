// Owns ending a channel on which nothing passes for too long, by looking at its counts from time to time. Knows nothing of what a
// channel is for.
import type { ChannelStream } from '../io/channel-stream.ts'
import type { Clock } from '../io/clock.ts'

/** So many looks in the time a channel may be idle: it ends up to one of them late. */
const looks = 4

/** Aborts `stream` once nothing has passed for `milliseconds` either way, or up to a quarter more. */
export const closeWhenIdle = (
  stream: Pick<ChannelStream, 'bytesRead' | 'bytesWritten' | 'abort' | 'closed'>,
  milliseconds: number,
  clock: Clock,
): void => {
  let count = stream.bytesRead + stream.bytesWritten
  let since = clock.now()
  let cancel: () => void = () => {}
  const later = (): void => {
    cancel = clock.after(Math.max(1, milliseconds / looks), look)
  }
  const look = (): void => {
    const now = stream.bytesRead + stream.bytesWritten
    if (now !== count) {
      count = now
      since = clock.now()
    } else if (clock.now() - since >= milliseconds) {
      stream.abort()
      return
    }
    later()
  }
  later()
  void stream.closed.then(() => cancel())
}

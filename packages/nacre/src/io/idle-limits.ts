// Owns how long channels may be idle by what they are, and watching each by that. Knows nothing of which types there are.
import type { ChannelPort } from './channel-port.ts'
import type { Clock } from './clock.ts'
import { IdleWatch } from './idle-watch.ts'

/** After how long a channel over which nothing passes is closed. */
export interface IdleLimits {
  /**
   * After how many milliseconds without data a channel is closed, by what it is: `session:shell`, `session:command`,
   * `session:subsystem:sftp`, `direct-tcpip`, `forwarded-tcpip`, `agent-connection`, `x11-connection`. Default never.
   */
  readonly idleMilliseconds?: (type: string) => number | undefined
  /** After so many milliseconds without data on any channel all of them are closed. 0 for never, which is the default. */
  readonly idleTogetherMilliseconds?: number
}

/** The channels of one connection under such limits. */
export class IdleChannels {
  readonly #limits: () => IdleLimits | undefined
  readonly #clock: Clock
  #together: IdleWatch | undefined

  /** `limits` is asked about each channel. */
  constructor(limits: () => IdleLimits | undefined, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** Has a channel of a type closed once nothing passes for as long as its type, or all together, may be idle. */
  watch(port: ChannelPort, type: string): void {
    const { idleMilliseconds, idleTogetherMilliseconds: together = 0 } = this.#limits() ?? {}
    const own = idleMilliseconds?.(type) ?? 0
    if (together > 0) this.#together ??= new IdleWatch(this.#clock, together)
    const watch = own > 0 ? new IdleWatch(this.#clock, own, this.#together) : this.#together
    watch?.add(port)
  }
}

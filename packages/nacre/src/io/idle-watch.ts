// Owns ending channels over which nothing passes for too long: one by itself, or several together. Knows nothing of what they
// are for.
import type { ChannelPort } from './channel-port.ts'
import type { Clock } from './clock.ts'

/** What is watched of a channel. */
export type Watched = Pick<ChannelPort, 'traffic' | 'whenClosed' | 'abort'>

/** Closes its channels, without waiting for what is not sent yet, once nothing has passed over any of them for so long. */
export class IdleWatch {
  readonly #clock: Clock
  readonly #milliseconds: number
  readonly #together: IdleWatch | undefined
  readonly #channels = new Set<Watched>()
  #last = 0
  #cancel: (() => void) | undefined

  /** What passes here counts for `together` too, which closes these channels with its own. */
  constructor(clock: Clock, milliseconds: number, together?: IdleWatch) {
    this.#clock = clock
    this.#milliseconds = milliseconds
    this.#together = together
  }

  /** Watches a channel from now on; that it is there counts as if something had passed. */
  add(channel: Watched): void {
    this.#together?.add(channel)
    channel.traffic = this
    this.passed()
    this.#channels.add(channel)
    if (this.#cancel === undefined) this.#wait(this.#milliseconds)
    channel.whenClosed(() => this.#remove(channel))
  }

  /** Something passed over one of them. Called for each packet. */
  passed(): void {
    this.#last = this.#clock.now()
    this.#together?.passed()
  }

  #remove(channel: Watched): void {
    this.#channels.delete(channel)
    if (this.#channels.size > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }

  #wait(milliseconds: number): void {
    this.#cancel = this.#clock.after(milliseconds, () => this.#look())
  }

  #look(): void {
    this.#cancel = undefined
    const left = this.#last + this.#milliseconds - this.#clock.now()
    if (left > 0) this.#wait(left)
    else for (const channel of [...this.#channels]) channel.abort()
  }
}

// Owns which files of a tree are moved whole, in one buffer and one request, and what such files share. Whatever is out of the
// ordinary is left to those who move files in pieces. Knows neither direction.
import type { Attributes } from '../attributes.ts'
import type { Moving } from './moving.ts'
import { type Wait, Waits } from './patience.ts'
import { headroom } from './remote.ts'

/** Files up to this are moved whole: any server takes as much in one request, and writes of it are gathered. */
const wholeAtMost = 16 * 1024
/** Buffers that are kept. */
const mostKept = 64

/** Something that was asked for and can be given up. */
interface UnderWay {
  readonly bytes: number
  readonly wait: Wait
  readonly giveUp: () => void
}

export class Whole {
  /** False from the first time on that a server took it amiss. */
  usable: boolean
  readonly #moving: Moving
  readonly #waits: Waits
  readonly #underWay = new Set<UnderWay>()
  readonly #buffers: Uint8Array[] = []
  #listens = false
  readonly #abort = (): void => {
    for (const { giveUp } of this.#underWay) giveUp()
  }

  constructor(moving: Moving) {
    const { atomic = true, resume = false, overwrite = true, growing = 'snapshot', ...others } = moving.options
    const { verify = false, sync = false, sparse = false, preserve = false, limit } = others
    const plain = atomic && resume === false && overwrite && growing === 'snapshot' && limit === undefined
    this.usable = plain && !verify && !sync && sparse === false && !preserve
    this.#moving = moving
    this.#waits = new Waits({ clock: moving.clock, milliseconds: moving.bounds.stallTimeout })
  }

  /** Whether a file of that size goes in one request now. One byte more may be asked for. */
  takes({ size = 0 }: Attributes, { serial, request }: { readonly serial: boolean; readonly request: number }): boolean {
    const { allowance } = this.#moving
    return this.usable && !serial && size > 0 && size <= wholeAtMost && size < request && allowance.room(false, request) > size
  }

  /** `headroom` bytes, and room for a whole file and one byte more. */
  buffer(): Uint8Array {
    return this.#buffers.pop() ?? new Uint8Array(headroom + wholeAtMost + 1)
  }

  /** Nobody uses `buffer` any more. */
  give(buffer: Uint8Array): void {
    if (this.#buffers.length < mostKept) this.#buffers.push(buffer)
  }

  /**
   * Has `giveUp` called when the transfer is ended, or the server is silent for too long, before `ended` is called, which is to be
   * called then too. `bytes` count as under way meanwhile.
   */
  begin(bytes: number, giveUp: () => void): UnderWay {
    if (!this.#listens) this.#moving.signal?.addEventListener('abort', this.#abort, { once: true })
    this.#listens = true
    this.#moving.allowance.used += bytes
    const underWay: UnderWay = { bytes, giveUp, wait: this.#waits.begin(giveUp) }
    this.#underWay.add(underWay)
    return underWay
  }

  ended(underWay: UnderWay): void {
    this.#moving.allowance.used -= underWay.bytes
    this.#waits.end(underWay.wait)
    this.#underWay.delete(underWay)
  }
}

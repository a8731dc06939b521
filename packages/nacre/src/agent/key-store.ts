// Owns the keys an agent holds, in the order they came, and forgetting them when their time is over. Knows nothing of messages,
// nor of who may see or use a key.
import type { PrivateKeyNumbers } from '../crypto/provider.ts'
import type { Clock } from '../io/clock.ts'
import { type PublicKey, sameBlob } from '../keys/public.ts'
import type { Destination } from './constraints.ts'
import { maximumAgentMessage } from './messages.ts'

/** A key an agent holds. */
export interface HeldKey {
  /** The key, or the certificate over it, as it is listed. */
  readonly publicKey: PublicKey
  readonly comment: string
  /** Of the clock, in milliseconds; `undefined` for no end. */
  readonly expires: number | undefined
  readonly confirm: boolean
  readonly destinations: readonly Destination[]
  /** Set for a key that lies in a security key. */
  readonly securityKey:
    | {
        readonly numbers: Extract<PrivateKeyNumbers, { kind: 'sk-ed25519' | 'sk-ecdsa' }>
        readonly provider: string | undefined
      }
    | undefined
  /** A whole signature blob. */
  sign(data: Uint8Array, flags: number): Uint8Array | Promise<Uint8Array>
  /** Overwrites what is secret of it, as far as nobody else has it. It signs no more. */
  forget(): void
}

/** Timers do not count further than some weeks. */
const longestTimer = 24 * 60 * 60 * 1000

/** What a list of keys takes before the first one. */
const listOverhead = 5

const listedBytes = ({ publicKey, comment }: Pick<HeldKey, 'publicKey' | 'comment'>): number =>
  8 + publicKey.blob.length + new TextEncoder().encode(comment).length

export class KeyStore {
  readonly #clock: Clock
  readonly #maximum: number
  #keys: HeldKey[] = []
  #cancel: (() => void) | undefined

  constructor(clock: Clock, maximum: number) {
    this.#clock = clock
    this.#maximum = maximum
  }

  /** Those whose time is not over. */
  all(): readonly HeldKey[] {
    this.#forgetExpired()
    return this.#keys
  }

  find(blob: Uint8Array): HeldKey | undefined {
    return this.all().find(each => sameBlob(each.publicKey.blob, blob))
  }

  /**
   * Takes a key, in the place of one with the same blob. False, and the key is forgotten, when there are too many, or too much to be
   * listed in one answer.
   */
  put(key: HeldKey): boolean {
    const others = this.all().filter(each => !each.publicKey.equals(key.publicKey))
    const bytes = others.reduce((sum, each) => sum + listedBytes(each), listOverhead + listedBytes(key))
    if (others.length >= this.#maximum || bytes > maximumAgentMessage) {
      key.forget()
      return false
    }
    const at = this.#keys.findIndex(each => each.publicKey.equals(key.publicKey))
    if (at < 0) this.#keys = [...this.#keys, key]
    else {
      this.#keys[at].forget()
      this.#keys = this.#keys.with(at, key)
    }
    this.#schedule()
    return true
  }

  remove(key: HeldKey): void {
    this.#keep(each => each !== key)
    this.#schedule()
  }

  clear(): void {
    this.#keep(() => false)
    this.#schedule()
  }

  #forgetExpired(): void {
    const now = this.#clock.now()
    const isOver = ({ expires }: HeldKey): boolean => expires !== undefined && expires <= now
    if (this.#keys.some(isOver)) this.#keep(each => !isOver(each))
  }

  #keep(stays: (key: HeldKey) => boolean): void {
    for (const each of this.#keys) if (!stays(each)) each.forget()
    this.#keys = this.#keys.filter(stays)
  }

  /** A key is forgotten when its time comes, not when somebody asks for it. */
  #schedule(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const next = this.#keys.reduce((least, { expires }) => Math.min(least, expires ?? Infinity), Infinity)
    if (next === Infinity) return
    this.#cancel = this.#clock.after(Math.min(longestTimer, Math.max(0, next - this.#clock.now())), () => {
      this.#forgetExpired()
      this.#schedule()
    })
  }
}

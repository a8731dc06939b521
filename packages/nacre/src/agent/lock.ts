// Owns the lock of an agent: the passphrase it was locked with, as a hash, and how long a wrong guess takes. Knows nothing of
// keys or messages.
import { equalBytes } from '../crypto/constant-time.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import type { Clock } from '../io/clock.ts'

/** A guess costs some tenths of a second of one processor. */
const scrypt = { kind: 'scrypt', cost: 1 << 14, blockSize: 8, parallelism: 1 } as const
const hashBytes = 32
const saltBytes = 16

/** Each wrong guess waits a tenth of a second longer than the one before, ten seconds at most; as OpenSSH's. */
const delayStep = 100
const mostSteps = 100

export class AgentLock {
  readonly #crypto: CryptoProvider
  readonly #clock: Clock
  #held: { readonly salt: Uint8Array; readonly hash: Uint8Array } | undefined
  #wrong = 0
  /** Guesses are made one after the other, or many connections could guess at once. */
  #last: Promise<unknown> = Promise.resolve()
  #locking = false

  constructor(crypto: CryptoProvider, clock: Clock) {
    this.#crypto = crypto
    this.#clock = clock
  }

  get locked(): boolean {
    return this.#held !== undefined || this.#locking
  }

  /** False when it is locked already or the passphrase is empty. Locked from the call on. */
  async lock(passphrase: Uint8Array): Promise<boolean> {
    if (this.locked || passphrase.length === 0) return false
    this.#locking = true
    try {
      const salt = new Uint8Array(saltBytes)
      this.#crypto.random(salt)
      this.#held = { salt, hash: await this.#crypto.derive(scrypt, passphrase, salt, hashBytes) }
      return true
    } finally {
      this.#locking = false
    }
  }

  /** False, after a while, when the passphrase is not the one. */
  unlock(passphrase: Uint8Array): Promise<boolean> {
    const turn = this.#last.then(() => this.#guess(passphrase))
    this.#last = turn.catch(() => {})
    return turn
  }

  async #guess(passphrase: Uint8Array): Promise<boolean> {
    const held = this.#held
    if (held === undefined || passphrase.length === 0) return false
    const hash = await this.#crypto.derive(scrypt, passphrase, held.salt, hashBytes)
    if (equalBytes(hash, held.hash)) {
      held.hash.fill(0)
      this.#held = undefined
      this.#wrong = 0
      return true
    }
    this.#wrong = Math.min(mostSteps, this.#wrong + 1)
    await new Promise<void>(resolve => this.#clock.after(this.#wrong * delayStep, resolve))
    return false
  }
}

// Owns a private key as a value that does not show its numbers. Knows nothing of file formats or signing.
import { keyTypes } from '../algorithms/signature/table.ts'
import type { KeyType } from '../algorithms/rows.ts'
import type { PrivateKeyNumbers } from '../crypto/provider.ts'
import { type PublicKey, publicKeyOf } from './public.ts'

/** The row for a key of these numbers. */
export const keyTypeOfNumbers = (numbers: PrivateKeyNumbers): KeyType => {
  const name = {
    ed25519: 'ssh-ed25519',
    rsa: 'ssh-rsa',
    dsa: 'ssh-dss',
    'sk-ed25519': 'sk-ssh-ed25519@openssh.com',
    'sk-ecdsa': 'sk-ecdsa-sha2-nistp256@openssh.com',
    'mldsa44-ed25519': 'ssh-mldsa44-ed25519@openssh.com',
    ecdsa: numbers.kind === 'ecdsa' ? `ecdsa-sha2-${numbers.curve}` : '',
  }[numbers.kind]
  const row = keyTypes.find(each => each.name === name)
  if (row === undefined) throw new TypeError(`no key type for numbers of kind ${numbers.kind}`)
  return row
}

/** A private key. Printing, inspecting or serialising it shows the public part only. */
export class PrivateKey {
  readonly publicKey: PublicKey
  readonly #numbers: PrivateKeyNumbers

  /** Takes the numbers over: they are not copied. */
  constructor(numbers: PrivateKeyNumbers, comment = '') {
    this.publicKey = publicKeyOf(keyTypeOfNumbers(numbers), numbers, comment)
    this.#numbers = numbers
  }

  get type(): string {
    return this.publicKey.type
  }
  get publicBlob(): Uint8Array {
    return this.publicKey.blob
  }
  get comment(): string {
    return this.publicKey.comment
  }
  /** The secret itself. Whoever calls this takes over the care. */
  revealNumbers(): PrivateKeyNumbers {
    return this.#numbers
  }
  withComment(comment: string): PrivateKey {
    return new PrivateKey(this.#numbers, comment)
  }
  toString(): string {
    return `[private key ${this.type} ${this.publicKey.fingerprint()}]`
  }
  toJSON(): string {
    return this.toString()
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

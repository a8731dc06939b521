// Owns reading the little DER (X.690) that key files need: sequences, integers, octet and bit strings, object names; and
// writing names. The rest of writing is in crypto/der.ts.
// Knows nothing of keys. Lengths are definite and bounded by the input; anything else throws `WireError`.
import { WireError } from '../../errors.ts'

const tags = { integer: 0x02, bitString: 0x03, octetString: 0x04, objectId: 0x06, sequence: 0x30 } as const

export class DerReader {
  readonly #bytes: Uint8Array
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length
  }

  /** The tag that comes next, or -1 at the end. */
  get nextTag(): number {
    return this.atEnd ? -1 : this.#bytes[this.#offset]
  }

  /** The content of the next element, which must have `tag`. A view. */
  take(tag: number): Uint8Array {
    const bytes = this.#bytes
    if (this.nextTag !== tag) throw new WireError('the ASN.1 in it is not what belongs there')
    let at = this.#offset + 1
    let length = bytes[at++]
    if (length === undefined) throw new WireError('the ASN.1 in it is cut off')
    if (length > 0x80 && length <= 0x83) {
      const digits = length & 0x7f
      length = 0
      for (let i = 0; i < digits; i++) length = length * 256 + (bytes[at++] ?? 0)
    } else if (length >= 0x80) throw new WireError('the ASN.1 in it has a length of no use')
    if (length > bytes.length - at) throw new WireError('the ASN.1 in it is cut off')
    this.#offset = at + length
    return bytes.subarray(at, at + length)
  }

  sequence(): DerReader {
    return new DerReader(this.take(tags.sequence))
  }

  /** A non-negative integer, as a magnitude without leading zeros. */
  integer(): Uint8Array {
    const content = this.take(tags.integer)
    if (content.length === 0 || content[0] & 0x80) throw new WireError('the ASN.1 in it has a negative number')
    let start = 0
    while (start < content.length && content[start] === 0) start++
    return content.subarray(start)
  }

  /** A non-negative integer of at most `most`. What is larger is `undefined`. */
  count(most: number): number | undefined {
    const digits = this.integer()
    if (digits.length > 6) return undefined
    let value = 0
    for (const digit of digits) value = value * 256 + digit
    return value > most ? undefined : value
  }

  octetString(): Uint8Array {
    return this.take(tags.octetString)
  }

  /** What stands inside the next element, which must have `tag`. */
  inside(tag: number): DerReader {
    return new DerReader(this.take(tag))
  }

  /** What stands inside an octet string. */
  insideOctets(): DerReader {
    return this.inside(tags.octetString)
  }

  /** A bit string of whole bytes. */
  bitString(): Uint8Array {
    return this.bits(tags.bitString)
  }

  /** The same under another tag. */
  bits(tag: number): Uint8Array {
    const content = this.take(tag)
    if (content[0] !== 0) throw new WireError('the ASN.1 in it has a bit string of odd length')
    return content.subarray(1)
  }

  /** Dotted numbers (X.690 §8.19). */
  objectId(): string {
    const content = this.take(tags.objectId)
    const numbers: number[] = []
    let value = 0
    let begins = true
    for (const byte of content) {
      // One name must not have two spellings: no zeros in front, nothing cut off, no number that loses digits.
      if ((begins && byte === 0x80) || value >= 2 ** 32) throw new WireError('the ASN.1 in it has an object name of no use')
      value = value * 128 + (byte & 0x7f)
      begins = (byte & 0x80) === 0
      if (!begins) continue
      if (numbers.length === 0) numbers.push(Math.min(Math.floor(value / 40), 2), value - 40 * Math.min(Math.floor(value / 40), 2))
      else numbers.push(value)
      value = 0
    }
    if (!begins || numbers.length === 0) throw new WireError('the ASN.1 in it has an object name of no use')
    return numbers.join('.')
  }

  /** The next element, when it has `tag`. */
  skip(tag: number): void {
    if (this.nextTag === tag) this.take(tag)
  }

  finish(): void {
    if (!this.atEnd) throw new WireError('bytes are left over')
  }
}

/**
 * True when the bytes are one sequence and nothing else. What a wrong key decrypted to is that once in millions of times, even
 * when its padding happens to be right.
 */
export const isOneSequence = (bytes: Uint8Array): boolean => {
  const der = new DerReader(bytes)
  try {
    der.sequence()
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    return false
  }
  return der.atEnd
}

const nullTag = 0x05

/** The content of an AlgorithmIdentifier (RFC 5280 §4.1.1.2): its name, and its parameters to be read further. */
export const algorithmOf = (der: DerReader): { readonly name: string; readonly parameters: DerReader } => {
  const parameters = der.sequence()
  const name = parameters.objectId()
  parameters.skip(nullTag)
  return { name, parameters }
}

/** An OBJECT IDENTIFIER of dotted numbers. */
export const objectName = (dotted: string): Uint8Array => {
  const [first, second, ...others] = dotted.split('.').map(Number)
  const content = [first * 40 + second, ...others].flatMap(number => {
    const digits = [number & 0x7f]
    for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80)
    return digits
  })
  return Uint8Array.of(tags.objectId, content.length, ...content)
}

/** NULL. */
export const nothing = Uint8Array.of(nullTag, 0)

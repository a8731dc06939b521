// Owns the two messages of DNS that finding SSHFP records takes (RFC 1035 §4, RFC 4255, RFC 6891): one question, and what of an
// answer concerns it. Knows no sockets and no servers; whatever is in an answer was written by others.
import type { SshfpRecord } from '../keys/sshfp.ts'

const types = { cname: 5, opt: 41, sshfp: 44 } as const
const classInternet = 1
/** RFC 6891 §6.2.5: what passes everywhere in one piece. */
const largestDatagram = 1232
const flags = { response: 0x8000, truncated: 0x0200, recursionDesired: 0x0100, authentic: 0x0020 } as const
const headerLength = 12
/** Chains of aliases longer than this lead nowhere. */
const mostAliases = 16
const mostRecords = 256

export interface SshfpReply {
  /** Did not fit: to be asked for again over TCP. */
  readonly truncated: boolean
  /** RFC 1035 §4.1.1; 0 is success, 3 no such name. */
  readonly responseCode: number
  /** The AD flag (RFC 4035 §3.2.3). Means something only from a resolver that may be believed. */
  readonly authentic: boolean
  readonly records: readonly SshfpRecord[]
}

/** The labels of a host name, or `undefined` for what cannot be asked for. */
const labelsOf = (host: string): readonly Uint8Array[] | undefined => {
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > 253) return undefined
  const labels = name.split('.').map(label => new TextEncoder().encode(label))
  return labels.every(label => label.length > 0 && label.length < 64) ? labels : undefined
}

/**
 * A question for the SSHFP records of `host`, or `undefined` when that is no name of DNS. It asks for DNSSEC to be looked at
 * (DO), and for the verdict (AD), which a resolver that knows neither ignores.
 */
export const sshfpQuestion = (host: string, id: number): Uint8Array | undefined => {
  const labels = labelsOf(host)
  if (labels === undefined) return undefined
  const nameLength = labels.reduce((sum, label) => sum + 1 + label.length, 1)
  const bytes = new Uint8Array(headerLength + nameLength + 4 + 11)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, id)
  view.setUint16(2, flags.recursionDesired | flags.authentic)
  view.setUint16(4, 1)
  view.setUint16(10, 1)
  let at = headerLength
  for (const label of labels) {
    bytes[at] = label.length
    bytes.set(label, at + 1)
    at += 1 + label.length
  }
  view.setUint16(at + 1, types.sshfp)
  view.setUint16(at + 3, classInternet)
  // The root's name, OPT, room for a datagram, and in the place of a time to live the flag DO.
  view.setUint16(at + 6, types.opt)
  view.setUint16(at + 8, largestDatagram)
  view.setUint16(at + 12, 0x8000)
  return bytes
}

/** Reads from front to back; throws `RangeError` behind the end. */
class Message {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  number16(): number {
    this.at += 2
    return this.#view.getUint16(this.at - 2)
  }

  skip(count: number): void {
    this.at += count
  }

  bytes(count: number): Uint8Array {
    if (this.at + count > this.#bytes.length) throw new RangeError('an answer of DNS ends early')
    this.at += count
    return this.#bytes.slice(this.at - count, this.at)
  }

  /** In lower case. A pointer must lead back, so that names end. */
  name(): string {
    const labels: string[] = []
    let at = this.at
    let after: number | undefined
    let length = 0
    for (;;) {
      const size = this.#view.getUint8(at)
      if (size >= 0xc0) {
        const to = this.#view.getUint16(at) & 0x3fff
        if (to >= at) throw new RangeError('a name in an answer of DNS points forward')
        after ??= at + 2
        at = to
        continue
      }
      if (size >= 64) throw new RangeError('a name in an answer of DNS is of no known kind')
      at += 1 + size
      if (size === 0) break
      length += 1 + size
      if (length > 255 || at > this.#bytes.length) throw new RangeError('a name in an answer of DNS is too long')
      labels.push(String.fromCharCode(...this.#bytes.subarray(at - size, at)).toLowerCase())
    }
    this.at = after ?? at
    return labels.join('.')
  }
}

/** The records that belong to `name`, by itself or by what it is an alias of. */
const recordsOf = (name: string, aliases: ReadonlyMap<string, string>, found: readonly [string, SshfpRecord][]): readonly SshfpRecord[] => {
  let owner = name
  for (let i = 0; i < mostAliases; i++) {
    const records = found.filter(([of]) => of === owner).map(([, record]) => record)
    if (records.length > 0) return records
    const next = aliases.get(owner)
    if (next === undefined) return []
    owner = next
  }
  return []
}

/**
 * The answer to the question that `sshfpQuestion` made for `host` and `id`; `undefined` for what is none: damaged, or to another
 * question.
 */
export const readSshfpReply = (bytes: Uint8Array, host: string, id: number): SshfpReply | undefined => {
  const name = host.replace(/\.$/, '').toLowerCase()
  try {
    const message = new Message(bytes)
    if (message.number16() !== id) return undefined
    const bits = message.number16()
    const [questions, answers] = [message.number16(), message.number16()]
    message.skip(4)
    if ((bits & flags.response) === 0 || questions !== 1) return undefined
    if (message.name() !== name || message.number16() !== types.sshfp || message.number16() !== classInternet) return undefined
    const truncated = (bits & flags.truncated) !== 0
    const reply = { truncated, responseCode: bits & 0xf, authentic: (bits & flags.authentic) !== 0 }
    if (truncated) return { ...reply, records: [] }
    const aliases = new Map<string, string>()
    const found: [string, SshfpRecord][] = []
    for (let i = 0; i < Math.min(answers, mostRecords); i++) {
      const owner = message.name()
      const [type, inClass] = [message.number16(), message.number16()]
      message.skip(4)
      const length = message.number16()
      const end = message.at + length
      if (inClass === classInternet && type === types.cname) aliases.set(owner, message.name())
      else if (inClass === classInternet && type === types.sshfp && length > 2) {
        const [algorithm, hash, ...fingerprint] = message.bytes(length)
        found.push([owner, { algorithm, hash, fingerprint: Uint8Array.from(fingerprint) }])
      }
      message.at = end
    }
    return { ...reply, records: recordsOf(name, aliases, found) }
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

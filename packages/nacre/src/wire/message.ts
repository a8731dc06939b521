// Owns the declaration of a message: number, name, codec, and the two columns admission reads (phase and sender).
// Knows nothing of what messages mean or who handles them.
import { WireError } from '../errors.ts'
import { type Codec, type Fields, type Struct, struct } from './codec.ts'
import { Reader } from './reader.ts'
import { inScratch } from './writer.ts'

/**
 * When a message may be sent:
 * - `any`: at all times, also during a key exchange, unless that is the strict first one (RFC 4253 §11)
 * - `kex`: a part of a key exchange (KEXINIT, NEWKEYS, 30 to 49)
 * - `established`: at any time after the first key exchange (EXT_INFO, ping)
 * - `service`: between the first key exchange and authentication (service request and accept)
 * - `auth`: while the user authenticates
 * - `connection`: after authentication succeeded
 */
export type Phase = 'any' | 'kex' | 'established' | 'service' | 'auth' | 'connection'
export type Sender = 'client' | 'server' | 'either'

export interface Message<N extends string = string, T = any> extends Codec<T> {
  /** The RFC's name, whole: it appears in traces and errors. */
  readonly name: N
  readonly number: number
  readonly phase: Phase
  readonly from: Sender
  /** Field names in order, and their codecs: traces and generators of valid messages walk them. */
  readonly fields: Fields
  /** Names of fields that must never be shown. */
  readonly secret: readonly string[]
}

export interface MessageColumns<N extends string> {
  readonly name: N
  readonly number: number
  readonly phase: Phase
  readonly from: Sender
  readonly secret?: readonly string[]
}

/** Declares a message. The codec it returns does not include the number byte. */
export const message = <const N extends string, const F extends Fields>(columns: MessageColumns<N>, fields: F): Message<N, Struct<F>> => ({
  name: columns.name,
  number: columns.number,
  phase: columns.phase,
  from: columns.from,
  secret: columns.secret ?? [],
  fields,
  ...struct(fields),
})

/** The number byte and the fields, in a new buffer. */
export const encodeMessage = <T>(of: Message<string, T>, value: T): Uint8Array => inScratch(of, value, of.number)

/** Reads a whole payload (number byte included). Throws `WireError` for another number, short or left-over bytes. */
export const decodeMessage = <T>(of: Message<string, T>, payload: Uint8Array): T => {
  const reader = new Reader(payload)
  const number = reader.byte()
  if (number !== of.number) throw new WireError(`message ${number} where ${of.name} (${of.number}) belongs`)
  const value = of.read(reader)
  reader.finish()
  return value
}

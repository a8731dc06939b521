// Owns the combinators a message is declared with: each is a pair of `read` and `write` with an inferred type.
// Knows nothing of SSH's meaning. `any` is allowed in this folder only, for inference over fields.
import { WireError } from '../errors.ts'
import { decodeProse, Reader } from './reader.ts'
import { inScratch, type Writer } from './writer.ts'

export interface Codec<T> {
  read(reader: Reader): T
  write(writer: Writer, value: T): void
}

/** The value type of a codec or message. */
export type Infer<C> = C extends Codec<infer T> ? T : never

const codec = <T>(read: (reader: Reader) => T, write: (writer: Writer, value: T) => void): Codec<T> => ({ read, write })

export const byte = codec(
  r => r.byte(),
  (w, v: number) => w.byte(v),
)
export const boolean = codec(
  r => r.boolean(),
  (w, v: boolean) => w.boolean(v),
)
export const uint32 = codec(
  r => r.uint32(),
  (w, v: number) => w.uint32(v),
)
export const uint64 = codec(
  r => r.uint64(),
  (w, v: bigint) => w.uint64(v),
)

/** RFC 4251 §5 `string` as bytes: a view of the input, valid as long as that is. */
export const bytes = codec<Uint8Array>(
  r => r.string(),
  (w, v) => w.string(v),
)

/** A `string` that must be valid UTF-8. For identifiers and anything compared. */
export const text = codec(
  r => r.text(),
  (w, v: string) => w.text(v),
)

/** A `text` that names one of a few kinds of things, like the type of a channel. Never for a secret: those seen lately are kept. */
export const identifier = codec(
  r => r.identifier(),
  (w, v: string) => w.text(v),
)

/** A `string` meant for people: decoded leniently. Escape it before showing it. */
export const prose = codec(
  r => decodeProse(r.string()),
  (w, v: string) => w.text(v),
)

const namePattern = /^[\x21-\x2b\x2d-\x7e]{1,64}$/

/** RFC 4251 §6: printable US-ASCII, no comma, 1 to 64 characters. */
export const name = codec(
  r => {
    const value = r.text()
    if (!namePattern.test(value)) throw new WireError('a name breaks the rule of RFC 4251 §6')
    return value
  },
  (w, v: string) => {
    if (!namePattern.test(v)) throw new WireError(`"${v}" is not a name (RFC 4251 §6)`)
    w.text(v)
  },
)

/** Lists as they came lately: most peers send the same ones. Too little to be worth filling for an attacker. */
const knownLists = new Map<string, readonly string[]>()
const mostLists = 64
const longestList = 2048

const newList = (value: string): readonly string[] => {
  // One comma at the end is let through: libssh 0.10 ends its lists of ciphers so, and other peers do not mind.
  const names = value.replace(/(?<=[^,]),$/, '').split(',')
  for (const each of names) if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(each)) throw new WireError('a name-list has an empty or non-ASCII name')
  if (value.length <= longestList) {
    if (knownLists.size >= mostLists) knownLists.clear()
    knownLists.set(value, Object.freeze(names))
  }
  return names
}

/** RFC 4251 §5 `name-list`. Names longer than 64 characters are let through, as peers do; non-ASCII is not. */
export const nameList = codec<readonly string[]>(
  r => {
    const value = r.text()
    return value === '' ? [] : (knownLists.get(value) ?? newList(value))
  },
  (w, v) => w.text(v.join(',')),
)

/** RFC 4251 §5 `mpint`, as a non-negative magnitude without leading zeros (big-endian). Zero is empty. */
export const mpint = codec<Uint8Array>(
  r => {
    const raw = r.string()
    if (raw.length === 0) return raw
    if (raw[0] & 0x80) throw new WireError('a negative mpint where none is allowed')
    if (raw[0] !== 0) return raw
    if (raw.length === 1 || !(raw[1] & 0x80)) throw new WireError('an mpint with unnecessary leading zeros')
    return raw.subarray(1)
  },
  (w, v) => {
    let start = 0
    while (start < v.length && v[start] === 0) start++
    const padded = start < v.length && (v[start] & 0x80) !== 0
    w.uint32(v.length - start + (padded ? 1 : 0))
    if (padded) w.byte(0)
    w.fixed(v.subarray(start))
  },
)

/** Everything to the end. Only ever the last field. */
export const rest = codec<Uint8Array>(
  r => r.rest(),
  (w, v) => w.fixed(v),
)

/** Exactly `count` raw bytes. */
export const fixed = (count: number): Codec<Uint8Array> =>
  codec(
    r => r.fixed(count),
    (w, v) => {
      if (v.length !== count) throw new WireError(`${v.length} bytes where ${count} belong`)
      w.fixed(v)
    },
  )

/** A `string` whose content is `inner`, which must fill it exactly. */
export const nested = <T>(inner: Codec<T>): Codec<T> =>
  codec(
    r => decode(inner, r.string()),
    (w, v) => {
      const lengthAt = w.offset
      w.uint32(0)
      inner.write(w, v)
      const end = w.offset
      w.offset = lengthAt
      w.uint32(end - lengthAt - 4)
      w.offset = end
    },
  )

/** `inner` again and again to the end of the input, at most `limit` times. */
export const repeated = <T>(inner: Codec<T>, limit: number): Codec<readonly T[]> =>
  codec(
    r => {
      const values: T[] = []
      while (r.remaining > 0) {
        if (values.length === limit) throw new WireError(`more than ${limit} entries`)
        values.push(inner.read(r))
      }
      return values
    },
    (w, v) => v.forEach(each => inner.write(w, each)),
  )

/** A uint32 count, then that many `inner`; at most `limit`. */
export const counted = <T>(inner: Codec<T>, limit: number): Codec<readonly T[]> =>
  codec(
    r => {
      const count = r.uint32()
      if (count > limit) throw new WireError(`${count} entries, at most ${limit} are allowed`)
      return Array.from({ length: count }, () => inner.read(r))
    },
    (w, v) => {
      w.uint32(v.length)
      v.forEach(each => inner.write(w, each))
    },
  )

/** `inner`, or `undefined` when the input ends before it. For trailing fields that old peers leave out. */
export const trailing = <T>(inner: Codec<T>): Codec<T | undefined> =>
  codec(
    r => (r.remaining === 0 ? undefined : inner.read(r)),
    (w, v) => {
      if (v !== undefined) inner.write(w, v)
    },
  )

export type Fields = Record<string, Codec<any>>
export type Struct<F extends Fields> = { [K in keyof F]: Infer<F[K]> }

/** The fields in order, as one object. */
export const struct = <const F extends Fields>(fields: F): Codec<Struct<F>> => {
  const names = Object.keys(fields)
  const codecs = names.map(each => fields[each])
  return codec(
    r => {
      const value: Record<string, unknown> = {}
      for (let i = 0; i < names.length; i++) value[names[i]] = codecs[i].read(r)
      return value as Struct<F>
    },
    (w, v) => {
      for (let i = 0; i < names.length; i++) codecs[i].write(w, (v as any)[names[i]])
    },
  )
}

/** Reads `bytes` whole; throws `WireError` when some are missing or left over. */
export const decode = <T>(of: Codec<T>, input: Uint8Array): T => {
  const reader = new Reader(input)
  const value = of.read(reader)
  reader.finish()
  return value
}

/** Writes `value` into a new buffer of its own. */
export const encode = <T>(of: Codec<T>, value: T): Uint8Array => inScratch(of, value)

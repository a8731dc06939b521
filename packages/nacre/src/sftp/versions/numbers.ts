// Owns numbers of 64 bits as SFTP uses them: sizes, offsets and seconds, which are JavaScript numbers here. Knows no packet.
import type { Codec } from '../../wire/codec.ts'
import { WireError } from '../../errors.ts'
import type { Reader } from '../../wire/reader.ts'
import type { Writer } from '../../wire/writer.ts'

const highest = 2 ** 21

/** A uint64 that is a size or an offset; throws `WireError` for more than 2^53 - 1, which no file has. */
const sizeFrom = (reader: Reader): number => {
  const high = reader.uint32()
  const low = reader.uint32()
  if (high >= highest) throw new WireError('a size or an offset is beyond 2^53 - 1')
  return high * 2 ** 32 + low
}

const writeSize = (writer: Writer, value: number): void => {
  if (!Number.isSafeInteger(value) || value < 0) throw new WireError(`${value} is no size`)
  writer.uint32(Math.floor(value / 2 ** 32))
  writer.uint32(value % 2 ** 32)
}

/** A uint64 below 2^53, as a number. */
export const size: Codec<number> = { read: sizeFrom, write: writeSize }

/**
 * A uint64 that counts or bounds something: what is beyond 2^53 - 1 becomes that, either way. File systems without a limit say
 * 2^64 - 1, and whoever may make a sparse file can have one of 8 EiB: neither must end a session.
 */
export const count: Codec<number> = {
  read: reader => {
    const high = reader.uint32()
    const value = high * 2 ** 32 + reader.uint32()
    return Math.min(Number.MAX_SAFE_INTEGER, value)
  },
  write: (writer, value) => writeSize(writer, Math.min(Number.MAX_SAFE_INTEGER, value)),
}

/** An int64 below 2^53 either way, as a number. */
export const int64: Codec<number> = {
  read: reader => {
    const high = reader.uint32() | 0
    const value = high * 2 ** 32 + reader.uint32()
    if (!Number.isSafeInteger(value)) throw new WireError('a time is beyond 2^53 - 1 seconds')
    return value
  },
  write: (writer, value) => {
    if (!Number.isSafeInteger(value)) throw new WireError(`${value} is no number of seconds`)
    writer.uint32(Math.floor(value / 2 ** 32) >>> 0)
    writer.uint32(((value % 2 ** 32) + 2 ** 32) % 2 ** 32)
  },
}

/** Extended attributes: a count, then pairs of type and data (draft-ietf-secsh-filexfer-02 §5). None is known. */
export const skipExtended = (reader: Reader): void => {
  const count = reader.uint32()
  if (count > reader.remaining / 8) throw new WireError(`${count} extended attributes do not fit what is left`)
  for (let left = count; left > 0; left--) {
    reader.string()
    reader.string()
  }
}

// Owns how Node's word on a file becomes `Attributes`, and how times become what Node sets. Knows no calls.
import type { BigIntStats } from 'node:fs'
import { SftpError } from '../../errors.ts'
import { type Attributes, type FileTime, typeOfMode } from '../attributes.ts'

const billion = 1_000_000_000

/** Without dividing large whole numbers, which takes longer than the rest: as a double the time is exact but for the second next to it. */
const timeOf = (all: bigint): FileTime => {
  let seconds = Math.floor(Number(all) / billion)
  // In the lower 32 bits, which hold all that is left of a second.
  let nanoseconds = (Number(BigInt.asUintN(32, all)) - Math.imul(seconds, billion)) | 0
  if (nanoseconds < 0) {
    seconds--
    nanoseconds += billion
  } else if (nanoseconds >= billion) {
    seconds++
    nanoseconds -= billion
  }
  return { seconds, nanoseconds }
}

/** Times to the nanosecond, as the file system has them. */
export const attributesOf = (stats: BigIntStats): Attributes & { readonly accessed: FileTime; readonly modified: FileTime } => {
  const mode = Number(stats.mode)
  return {
    type: typeOfMode(mode) ?? 'unknown',
    size: Number(stats.size),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    permissions: mode & 0o7777,
    accessed: timeOf(stats.atimeNs),
    modified: timeOf(stats.mtimeNs),
    created: timeOf(stats.birthtimeNs),
    changed: timeOf(stats.ctimeNs),
    links: Number(stats.nlink),
    allocated: Number(stats.blocks) * 512,
  }
}

const bits = new DataView(new ArrayBuffer(8))
/** The next number nearer to zero. */
const nextDown = (value: number): number => {
  bits.setFloat64(0, value)
  bits.setBigUint64(0, bits.getBigUint64(0) - 1n)
  return bits.getFloat64(0)
}

/** Deno takes a time before 1970 for "now" in whatever form it comes. */
const tooEarly = (): SftpError =>
  new SftpError('invalid-parameter', 'Deno cannot set a time before 1970. Use Node or Bun for it.', {
    operation: 'set attributes',
    errno: 'EINVAL',
  })

/**
 * A time for Node's `utimes`. Throws `SftpError` where there is none. Node takes seconds as a double: between 2004 and 2038 that is exact to 239 nanoseconds, of which
 * half is lost at most. A time never moves into the next second by it. As text before 1970, since Node takes negative numbers
 * for "now".
 */
export const timeForNode = ({ seconds, nanoseconds }: FileTime): number | string => {
  let value = seconds + nanoseconds / 1e9
  if (value >= seconds + 1 && value > 0) value = nextDown(value)
  if (value >= 0) return value
  if (process.versions.deno !== undefined) throw tooEarly()
  return String(value)
}

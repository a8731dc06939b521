// Owns times as callers give them. Knows no packets.
import { type FileTime, timeFromDate, timeFromSeconds } from '../attributes.ts'

/** A date, or seconds since 1970. */
export type TimeGiven = Date | number

export const timeOf = (time: TimeGiven): FileTime => {
  if (Number.isNaN(typeof time === 'number' ? time : time.getTime())) throw new RangeError('a time that is none')
  return typeof time === 'number' ? timeFromSeconds(time) : timeFromDate(time)
}

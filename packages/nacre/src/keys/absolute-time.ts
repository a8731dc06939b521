// Owns times as people write them in key files: `YYYYMMDD[HHMM[SS]]`. Knows nothing of what they mean there.

/**
 * Milliseconds since 1970. Local time, or UTC with `Z` or `UTC` behind it (sshd(8), ssh-keygen(1)). `undefined` for what is no
 * such time, dates that no calendar has included.
 */
export const parseAbsoluteTime = (value: string): number | undefined => {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?$/i.exec(value)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(each => Number(each ?? 0))
  const utc = Date.UTC(year, month - 1, day, hour, minute, second)
  // Dates that do not exist, such as the 31st of June, roll over; those are refused.
  const back = new Date(utc)
  if (hour > 23 || minute > 59 || second > 59 || back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return undefined
  return parts[7] === undefined ? new Date(year, month - 1, day, hour, minute, second).getTime() : utc
}

/** `YYYYMMDDHHMMSSZ`, in UTC. */
export const formatAbsoluteTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replaceAll(/[-:T]|\.\d+/g, '')

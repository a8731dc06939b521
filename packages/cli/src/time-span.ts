// Owns spans of time as OpenSSH's commands take and show them (sshd_config(5), TIME FORMATS). Knows nothing of what they are for.

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }

/** Seconds of `90`, `5m` or `1h30m`; `undefined` for what is no span, or more than 68 years. */
export const readTimeSpan = (text: string): number | undefined => {
  if (!/^(\d+[smhdw])*(\d+[smhdw]?)$/i.test(text)) return undefined
  let seconds = 0
  for (const [, count, unit] of text.matchAll(/(\d+)([smhdw]?)/gi)) seconds += Number(count) * units[unit === '' ? 's' : unit.toLowerCase()]
  return seconds <= 0x7fffffff ? seconds : undefined
}

const two = (value: number): string => String(value).padStart(2, '0')

/** `00:01:30`, `2d03h00m` or `01w1d00h`. */
export const shownTimeSpan = (seconds: number): string => {
  const part = (unit: number, of: number): number => Math.floor(seconds / unit) % of
  const weeks = Math.floor(seconds / units.w)
  const [days, hours, minutes] = [part(units.d, 7), part(units.h, 24), part(units.m, 60)]
  if (weeks > 0) return `${two(weeks)}w${days}d${two(hours)}h`
  if (days > 0) return `${days}d${two(hours)}h${two(minutes)}m`
  return `${two(hours)}:${two(minutes)}:${two(seconds % 60)}`
}

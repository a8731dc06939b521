// Owns how a file is shown in one line, as `ls -l` does: what version 3 sends beside each name. Knows no packets.
import { type Attributes, modeOf } from '../attributes.ts'
import { modeText } from '../mode-text.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const twoDigits = (value: number): string => (value < 10 ? `0${value}` : String(value))
const halfYear = (365 / 2) * 24 * 60 * 60

/** `Jan  1 12:00` for the last half year, `Jan  1  2020` for what is older or still to come. In the time of this place. */
const timeText = (seconds: number, now: number): string => {
  const date = new Date(seconds * 1000)
  const day = `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)}`
  return now - seconds >= 0 && now - seconds < halfYear
    ? `${day} ${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}`
    : `${day} ${String(date.getFullYear()).padStart(5)}`
}

const modes = new Map<number, string>()
const modeOnce = (attributes: Attributes): string => {
  const key = modeOf(attributes) + (attributes.type === 'special' ? 0x20000 : 0)
  const known = modes.get(key)
  if (known !== undefined) return known
  const text = modeText(attributes)
  if (modes.size > 256) modes.clear()
  modes.set(key, text)
  return text
}

/** Makes long names, `now` being in seconds. Of files that changed in one minute the time is worked out once. */
export class LongNames {
  readonly #now: number
  /** What the last one began with, and what that was made of. */
  #front = ''
  #mode = ''
  #links = -1
  #owner = ''
  #group = ''
  #minute = Number.NaN
  #time = ''

  constructor(now: number) {
    this.#now = now
  }

  /** `owner` and `group` are names, or numbers where there are none. */
  of(name: string, attributes: Attributes, owner: string, group: string): string {
    const seconds = attributes.modified?.seconds ?? 0
    const minute = Math.floor(seconds / 60)
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#time = timeText(seconds, this.#now)
    }
    const mode = modeOnce(attributes)
    const { links = 1, size = 0 } = attributes
    if (mode !== this.#mode || links !== this.#links || owner !== this.#owner || group !== this.#group) {
      this.#mode = mode
      this.#links = links
      this.#owner = owner
      this.#group = group
      // The mode of strmode(3) ends with a blank.
      this.#front = `${mode} ${String(links).padStart(4)} ${owner.padEnd(8)} ${group.padEnd(8)} `
    }
    return `${this.#front}${String(size).padStart(8)} ${this.#time} ${name}`
  }
}

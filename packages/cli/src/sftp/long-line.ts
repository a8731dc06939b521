// Owns the line of `ls -l` as OpenSSH's sftp makes it itself. Knows no listing.
import { type FileFacts, modeText } from 'nacre/sftp'
import { scaled } from './shown.ts'

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const halfYear = (365 / 2) * 24 * 60 * 60 * 1000
const two = (value: number): string => String(value).padStart(2, '0')

const timeText = (date: Date, now: number): string => {
  const day = `${months[date.getMonth()]} ${String(date.getDate()).padStart(2)}`
  const age = now - date.getTime()
  return age >= 0 && age < halfYear ? `${day} ${two(date.getHours())}:${two(date.getMinutes())}` : `${day}  ${date.getFullYear()}`
}

export interface LongLine {
  /** Visible already. */
  readonly name: string
  readonly facts: FileFacts
  /** Names, or numbers as text; visible already. */
  readonly owner: string
  readonly group: string
  /** Sizes with units. */
  readonly units: boolean
  /** Milliseconds. */
  readonly now: number
}

/** Version 3 says nothing of links, so that there is a question mark. */
export const longLine = ({ name, facts, owner, group, units, now }: LongLine): string => {
  const size = (units ? scaled(facts.size) : String(facts.size)).padStart(8)
  return `${modeText(facts)}  ${String(facts.attributes.links ?? '?').padStart(3)} ${owner.padEnd(8)} ${group.padEnd(8)} ${size} ${timeText(facts.modified, now)} ${name}`
}

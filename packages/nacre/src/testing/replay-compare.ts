// Owns what of a recorded conversation can be compared with its replay, and how a difference is shown. Knows nothing of how
// a replay goes.
import type { TranscriptEvent } from '../engine/transcript.ts'
import type { TranscriptPacket } from '../engine/trace.ts'

/** What went otherwise than recorded. */
export interface ReplayDifference {
  /** Which packet of the transcript, from 0; their number when it is something about the whole. */
  readonly at: number
  readonly expected: string
  readonly actual: string
}

/** A difference as the message of a failing test. */
export const explainDifference = ({ at, expected, actual }: ReplayDifference): string =>
  `packet ${at} should be\n  ${expected}\nand is\n  ${actual}`

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

/** A packet to the byte. */
export const exactly = ({ name, payload }: TranscriptPacket): string => `${name} ${hex(payload)}`

/** A packet without what is chance, or follows from chance: all of a key exchange, KEXINIT's cookie, and signatures. */
export const withoutChance = ({ number, name, payload }: TranscriptPacket): string => {
  if (number >= 30 && number <= 49) return name
  const shown = payload.slice()
  if (number === 20) shown.fill(0, 1, 17)
  if (number === 50) blankSignature(shown)
  return `${name} ${hex(shown)}`
}

/** A publickey proof ends with its signature; both runs name the same key before it. */
const blankSignature = (payload: Uint8Array): void => {
  const text = String.fromCharCode(...payload)
  const method = text.indexOf('\0\0\0\x09publickey\x01')
  if (method < 0) return
  const view = new DataView(payload.buffer, payload.byteOffset)
  let at = method + 14
  for (let skipped = 0; skipped < 2; skipped++) at += 4 + view.getUint32(at)
  payload.fill(0, at)
}

const shownLength = 400

/** Both, from a little before the place where they differ, so that a long packet does not hide it. */
export const difference = (at: number, expected: string, actual: string): ReplayDifference => {
  let same = 0
  while (same < expected.length && same < actual.length && expected[same] === actual[same]) same++
  const name = expected.indexOf(' ') + 1
  const from = Math.max(same - shownLength / 4, name)
  const cut = (text: string): string =>
    from > name && same < text.length ? `${text.slice(0, name)}…${text.slice(from, from + shownLength)}` : text.slice(0, shownLength)
  return { at, expected: cut(expected), actual: cut(actual) }
}

/** Without cryptography no cipher needs a MAC, so none is agreed on. */
const shown = ({ at: _at, error: _error, ...facts }: TranscriptEvent, macs: boolean): string =>
  JSON.stringify(facts, (name, value: unknown) => (name === 'mac' && !macs ? undefined : value))

/** Events in their order; `macs` says whether they were negotiated. A transcript that was cut off may lack the last events. */
export const compareEvents = (
  expected: readonly TranscriptEvent[],
  actual: readonly TranscriptEvent[],
  at: number,
  macs: boolean,
): ReplayDifference | undefined => {
  const whole = expected.some(each => each.event === 'ended')
  const count = whole ? Math.max(expected.length, actual.length) : expected.length
  for (let i = 0; i < count; i++) {
    const [then, now] = [expected.at(i), actual.at(i)].map(each => (each === undefined ? 'no more events' : shown(each, macs)))
    if (then !== now) return difference(at, `event ${i}: ${then}`, `event ${i}: ${now}`)
  }
  return undefined
}

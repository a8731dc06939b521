// Owns models of flow control in both directions: RFC 4254 §5.2. Pure; written from that text and from nothing else. When
// somebody gives window back is not said there, so what we receive by is a relation: what may follow is checked, not foreseen.
import type { Model, Reaction } from './explore.ts'

export const largest = 2 ** 32 - 1

// ── what we send ────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Sending {
  /** Bytes the peer takes. */
  readonly window: number
  /** The network takes something. */
  readonly room: boolean
  /** A write was taken in part: our application waits to be told. */
  readonly wants: boolean
}

/** The peer's maximum packet size: bytes of data in one message. */
export const sendingPacket = 2

const writes = (state: Sending, count: number): Reaction<Sending> => {
  const taken = state.room ? Math.min(count, state.window) : 0
  const messages: string[] = []
  for (let left = taken; left > 0; left -= sendingPacket) messages.push(`CHANNEL_DATA ${Math.min(left, sendingPacket)}`)
  return { state: { ...state, window: state.window - taken, wants: taken < count }, seen: [...messages, `took ${taken}`] }
}

/** Told as soon as more would be taken, and once. */
const tells = (state: Sending): Reaction<Sending> =>
  state.wants && state.window > 0 && state.room ? { state: { ...state, wants: false }, seen: ['writable'] } : { state, seen: [] }

/** ADJUST adds to the window, which may grow to 2^32 - 1 and no further. */
export const sendingModel = (window: number): Model<Sending> => ({
  first: { window, room: true, wants: false },
  letters: state => [
    ...['write 0', 'write 1', 'write 3', 'ADJUST 0', 'ADJUST 1', 'ADJUST 3', `ADJUST ${largest - 2}`, `ADJUST ${largest}`],
    state.room ? 'the network is full' : 'the network has room',
  ],
  step: (state, letter) => {
    const [what, number] = letter.split(' ')
    if (what === 'write') return writes(state, Number(number))
    if (what === 'the') return tells({ ...state, room: letter === 'the network has room' })
    const grown = state.window + Number(number)
    if (grown > largest) return { state, seen: ['ended channel-window-overflow'], over: true }
    return tells({ ...state, window: grown })
  },
})

// ── what we receive ─────────────────────────────────────────────────────────────────────────────────────────────────────

export interface Receiving {
  /** What we said: the window to begin with, and bytes of data in one message. */
  readonly size: number
  readonly packet: number
  /** Bytes the peer may send, by what it has heard. */
  readonly window: number
  /** Bytes our application has and has not dealt with. */
  readonly unconsumed: number
  readonly eof: boolean
}

export const receivingLetters = ({ packet, window, unconsumed }: Receiving): readonly string[] => {
  const counts = new Set([0, 1, packet, packet + 1, Math.min(window, packet), window + 1].filter(each => each <= 2 * packet + 8))
  return [
    ...[...counts].map(each => `DATA ${each}`),
    ...[...counts].filter(each => each <= packet).map(each => `EXTENDED_DATA ${each}`),
    ...(unconsumed > 0 ? ['consume 1'] : []),
    ...(unconsumed > 1 ? [`consume ${unconsumed}`] : []),
    'EOF',
  ]
}

/** The next state and whether it is over, or what is wrong with what was `seen`. */
export const receives = (before: Receiving, letter: string, seen: readonly string[]): { state: Receiving; over: boolean } | string => {
  const [what, number] = letter.split(' ')
  const count = Number(number)
  const ended = seen.find(each => each.startsWith('ended'))
  const data = what === 'DATA' || what === 'EXTENDED_DATA'
  const violation = data ? dataViolation(before, count) : undefined
  if (violation !== undefined || ended !== undefined)
    return ended === (violation && `ended ${violation}`) ? { state: before, over: true } : `should be: ended ${violation}`
  const adjusts = seen.filter(each => each.startsWith('ADJUST')).map(each => Number(each.split(' ')[1]))
  const rest = seen.filter(each => !each.startsWith('ADJUST'))
  // An empty message says nothing, and nobody need be told.
  const told = data && count > 0 ? [`data ${count}`] : what === 'EOF' && !before.eof ? ['eof'] : []
  if (rest.join() !== told.join()) return `should be: ${told.join()}`
  const state: Receiving = {
    ...before,
    window: before.window - (data ? count : 0) + adjusts.reduce((sum, each) => sum + each, 0),
    unconsumed: before.unconsumed + (data ? count : what === 'consume' ? -count : 0),
    eof: before.eof || what === 'EOF',
  }
  if (adjusts.some(each => each === 0)) return 'an ADJUST by nothing'
  // The application holds what it has not dealt with; more than the size it never has to.
  if (state.window + state.unconsumed > state.size) return 'more was given back than was dealt with'
  // Whoever has dealt with everything has not forgotten the peer, unless that has nothing more to say.
  if (!state.eof && state.unconsumed === 0 && state.window < Math.min(state.packet, state.size)) return 'the peer waits for ever'
  if (!state.eof && state.window === 0 && state.unconsumed < state.size) return 'the peer waits although there is room'
  return { state, over: false }
}

/** RFC 4254 §5.2: neither more than one message may have, nor more than the window. Both MAY be ignored; we do not. */
const dataViolation = ({ packet, window, eof }: Receiving, count: number): string | undefined => {
  if (eof) return 'channel-state'
  if (count > packet) return 'channel-packet-too-large'
  return count > window ? 'channel-window-exceeded' : undefined
}

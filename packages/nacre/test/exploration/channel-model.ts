// Owns a model of one channel from its opening to its end, by either side, and of global requests: RFC 4254 §4, §5.1, §5.3,
// §5.4. Pure; written from that text and from nothing else. "We" are the side that is modelled; letters are what the peer
// sends for channel 0, or what our application does. Only one channel is allowed at a time, so its number is used again.
//
// Where the text leaves a choice, the model says which one is ours:
// - A message for a channel that does not exist, or in a state in which nobody may send it, ends the connection.
// - After our CLOSE what the peer still sends is dropped, and we answer its requests no more.
import type { Model, Reaction } from './explore.ts'

type Half = 'open' | 'eof' | 'closed'

interface State {
  /** `asked`: our OPEN is not answered. `offered`: the peer's is not. */
  readonly phase: 'none' | 'asked' | 'offered' | 'open'
  readonly ours: Half
  readonly theirs: Half
  /** We closed before the peer answered our OPEN. */
  readonly closeWanted: boolean
  /** Our requests that wait for a reply. */
  readonly pending: number
  /** Requests of the peer that our application holds, in order; `dead` ones cannot be answered any more. */
  readonly held: readonly ('live' | 'dead')[]
  /** Replies we owe, in order (RFC 4254 §5.4): an answer that was given waits for those before it. */
  readonly line: readonly (string | undefined)[]
}

const none: State = { phase: 'none', ours: 'open', theirs: 'open', closeWanted: false, pending: 0, held: [], line: [] }
const open: State = { ...none, phase: 'open' }
/** Where a walk may begin. `left`: a channel has come and gone, and the application still holds a request of it. */
export const states = { none, open, left: { ...none, held: ['dead'] } } as const

const ends = (state: State, violation: string): Reaction<State> => ({ state, seen: [`ended ${violation}`], over: true })
const takes = (state: State, ...seen: readonly string[]): Reaction<State> => ({ state, seen })

const closesOurs = (state: State): State => ({ ...state, ours: 'closed', held: state.held.map(() => 'dead' as const), line: [] })

const hears = (state: State, letter: string): Reaction<State> => {
  // RFC 4254 §5.2 knows 1 and leaves the rest to applications; 0 is no type.
  if (letter === 'EXTENDED_DATA of type 0') return ends(state, 'malformed-message')
  // RFC 4254 §5.1: the maximum packet size is what can be sent; with 0 nothing could.
  if (letter === 'OPEN for packets of 0 bytes') return ends(state, 'channel-packet-size-too-small')
  if (letter === 'OPEN')
    return state.phase === 'none' ? takes({ ...state, phase: 'offered' }, 'open-request') : takes(state, 'CHANNEL_OPEN_FAILURE')
  if (letter === 'DATA for another channel') return ends(state, 'channel-unknown')
  // Until it is accepted the channel has no number of ours.
  if (state.phase === 'none' || state.phase === 'offered') return ends(state, 'channel-unknown')
  if (state.phase === 'asked') return isAnswered(state, letter)
  return hearsOpen(state, letter)
}

/** RFC 4254 §5.1: nothing is sent on a channel before its OPEN was confirmed. */
const isAnswered = (state: State, letter: string): Reaction<State> => {
  if (letter === 'OPEN_FAILURE') return takes({ ...none, held: state.held }, 'open-failed')
  if (letter !== 'OPEN_CONFIRMATION') return ends(state, 'channel-state')
  const next: State = { ...state, phase: 'open' }
  return state.closeWanted ? takes(closesOurs(next), 'CHANNEL_CLOSE') : takes(next, 'opened')
}

const hearsOpen = (state: State, letter: string): Reaction<State> => {
  const dropped = state.ours === 'closed'
  switch (letter) {
    case 'OPEN_CONFIRMATION':
    case 'OPEN_FAILURE':
      return ends(state, 'channel-state')
    case 'DATA':
    case 'EXTENDED_DATA':
      // RFC 4254 §5.3: no data after EOF.
      if (state.theirs !== 'open') return ends(state, 'channel-state')
      return dropped ? takes(state) : takes(state, 'data')
    case 'WINDOW_ADJUST':
      // About our direction, which their EOF does not end.
      return takes(state)
    case 'EOF':
      // Said again, it says nothing new.
      return state.theirs === 'eof' ? takes(state) : takes({ ...state, theirs: 'eof' }, ...(dropped ? [] : ['eof']))
    case 'CLOSE': {
      // RFC 4254 §5.3: a CLOSE is answered by one, unless ours has been sent; then the number is free.
      const { held } = closesOurs(state)
      const unanswered = Array.from({ length: state.pending }, () => 'reply: never')
      return takes({ ...none, held }, ...(dropped ? [] : ['CHANNEL_CLOSE']), 'closed', ...unanswered)
    }
    case 'REQUEST':
      // RFC 4254 §5.3: EOF ends data and nothing else.
      return dropped ? takes(state) : takes({ ...state, held: [...state.held, 'dead'] }, 'channel-request')
    case 'REQUEST that wants a reply':
      if (dropped) return takes(state)
      return takes({ ...state, held: [...state.held, 'live'], line: [...state.line, undefined] }, 'channel-request')
    default:
      // SUCCESS and FAILURE: RFC 4254 §5.4, in the order of the requests.
      if (state.pending === 0) return ends(state, 'channel-reply-unexpected')
      return takes({ ...state, pending: state.pending - 1 }, letter === 'SUCCESS' ? 'reply: yes' : 'reply: no')
  }
}

/** What is at the front of the line and has its answer leaves. */
const advance = (state: State, line: readonly (string | undefined)[]): Reaction<State> => {
  const ready = line.findIndex(each => each === undefined)
  const count = ready === -1 ? line.length : ready
  return takes({ ...state, line: line.slice(count) }, ...(line.slice(0, count) as readonly string[]))
}

/** Answers one of the requests that are held; `at` counts from the oldest. */
const answers = (state: State, at: number, reply: string): Reaction<State> => {
  const rest = { ...state, held: state.held.filter((_, i) => i !== at) }
  if (state.held[at] === 'dead') return takes(rest)
  const unanswered = [...state.line.keys()].filter(i => state.line[i] === undefined)
  const place = unanswered[state.held.slice(0, at).filter(each => each === 'live').length]
  return advance(rest, state.line.with(place, reply))
}

const does = (state: State, letter: string): Reaction<State> => {
  switch (letter) {
    case 'we open':
      return takes({ ...state, phase: 'asked' }, 'CHANNEL_OPEN')
    case 'we accept':
      return takes({ ...state, phase: 'open' }, 'CHANNEL_OPEN_CONFIRMATION')
    case 'we refuse':
      return takes({ ...state, phase: 'none' }, 'CHANNEL_OPEN_FAILURE')
    case 'we write':
      return state.ours === 'closed' ? takes(state) : takes(state, 'CHANNEL_DATA')
    case 'we end our data':
      return state.ours === 'open' ? takes({ ...state, ours: 'eof' }, 'CHANNEL_EOF') : takes(state)
    case 'we close':
      if (state.phase === 'asked') return takes({ ...state, closeWanted: true })
      return state.ours === 'closed' ? takes(state) : takes(closesOurs(state), 'CHANNEL_CLOSE')
    case 'we ask':
      return state.ours === 'closed' ? takes(state, 'reply: never') : takes({ ...state, pending: state.pending + 1 }, 'CHANNEL_REQUEST')
    case 'we agree to the oldest':
      return answers(state, 0, 'CHANNEL_SUCCESS')
    default:
      return answers(state, state.held.length - 1, 'CHANNEL_FAILURE')
  }
}

const fromPeer = [
  ...['OPEN', 'OPEN for packets of 0 bytes', 'OPEN_CONFIRMATION', 'OPEN_FAILURE', 'DATA', 'EXTENDED_DATA', 'EXTENDED_DATA of type 0'],
  ...['DATA for another channel', 'WINDOW_ADJUST', 'EOF', 'CLOSE', 'REQUEST', 'REQUEST that wants a reply', 'SUCCESS', 'FAILURE'],
]

const fromUs = ({ phase, ours, held }: State): readonly string[] => [
  ...(phase === 'none' ? ['we open'] : []),
  ...(phase === 'offered' ? ['we accept', 'we refuse'] : []),
  // To write after one's own eof is a mistake of the application, which is told so.
  ...(phase === 'open' && ours !== 'eof' ? ['we write'] : []),
  ...(phase === 'open' ? ['we end our data', 'we ask'] : []),
  ...(phase === 'open' || phase === 'asked' ? ['we close'] : []),
  ...(held.length > 0 ? ['we agree to the oldest'] : []),
  ...(held.length > 1 ? ['we refuse the newest'] : []),
]

export const channelModel = (first: State): Model<State> => ({
  first,
  letters: state => [...fromPeer, ...fromUs(state)],
  step: (state, letter) => (fromPeer.includes(letter) ? hears(state, letter) : does(state, letter)),
})

// ── global requests ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface GlobalState {
  readonly pending: number
  readonly held: readonly ('live' | 'dead')[]
  readonly line: readonly (string | undefined)[]
}

/** RFC 4254 §4. */
export const globalModel: Model<GlobalState> = {
  first: { pending: 0, held: [], line: [] },
  letters: ({ held }) => [
    ...['GLOBAL_REQUEST', 'GLOBAL_REQUEST that wants a reply', 'REQUEST_SUCCESS', 'REQUEST_FAILURE', 'we ask globally'],
    ...(held.length > 0 ? ['we agree to the oldest'] : []),
    ...(held.length > 1 ? ['we refuse the newest'] : []),
  ],
  step: (state, letter) => {
    switch (letter) {
      case 'GLOBAL_REQUEST':
        return { state: { ...state, held: [...state.held, 'dead'] }, seen: ['global-request'] }
      case 'GLOBAL_REQUEST that wants a reply':
        return { state: { ...state, held: [...state.held, 'live'], line: [...state.line, undefined] }, seen: ['global-request'] }
      case 'we ask globally':
        return { state: { ...state, pending: state.pending + 1 }, seen: ['GLOBAL_REQUEST'] }
      case 'we agree to the oldest':
      case 'we refuse the newest': {
        const oldest = letter === 'we agree to the oldest'
        const reply = oldest ? 'REQUEST_SUCCESS' : 'REQUEST_FAILURE'
        const { state: after, seen } = answers({ ...open, ...state }, oldest ? 0 : state.held.length - 1, reply)
        return { state: { ...state, held: after.held, line: after.line }, seen }
      }
      default:
        if (state.pending === 0) return { state, seen: ['ended global-reply-unexpected'], over: true }
        return { state: { ...state, pending: state.pending - 1 }, seen: [letter === 'REQUEST_SUCCESS' ? 'reply: yes' : 'reply: no'] }
    }
  },
}

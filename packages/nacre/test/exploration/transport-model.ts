// Owns a model of when a key exchange runs and what may be said meanwhile, the first time and again, begun by either side:
// RFC 4253 §7, §10, §11, RFC 8308 §2.4, and strict key exchange as OpenSSH's PROTOCOL §1.10 has it. Pure; written from those
// texts and from nothing else. "We" are the side that is modelled; letters are what the peer says, or what we are told to do.
//
// Where the texts leave a choice, the model says which one is ours:
// - Whatever breaks a MUST ends the connection, although few texts ask for more than not to do it.
// - While our own exchange runs (KEXINIT sent, NEWKEYS not) we say nothing that is not part of it; what is due waits and
//   leaves in its order after our NEWKEYS. RFC 4253 §7.1 would allow 1 to 19, strict key exchange does not.
// - EXT_INFO is taken at any time after the first exchange, although RFC 8308 §2.4 names the moments to send it.
// - A client that has EXT_INFO begins to log in beside its request for the service; RFC 4253 §10 does not make it wait.
import type { Model, Reaction } from './explore.ts'

export interface TransportState {
  readonly us: 'client' | 'server'
  /** Both sides asked for strict key exchange in their first KEXINIT. */
  readonly strict: boolean
  readonly stage: 'exchange' | 'service' | 'auth' | 'connection'
  /** What of the running exchange we have sent. */
  readonly ours: 'nothing' | 'kexinit' | 'newkeys'
  /** What of it the peer has sent; `value` is its INIT or REPLY. */
  readonly theirs: 'nothing' | 'kexinit' | 'value'
  /** Client: has begun to log in. */
  readonly begun: boolean
  /** The peer guessed wrong: the next message of a method is not meant (RFC 4253 §7). */
  readonly skip: boolean
  /** Sequence number of the next packet of the peer (RFC 4253 §6.4). */
  readonly sequence: number
  /** What we owe and may not say yet. */
  readonly waiting: readonly string[]
}

const ends = (state: TransportState, violation: string, reason = 2): Reaction<TransportState> => ({
  state,
  seen: [`DISCONNECT ${reason}`, `ended ${violation}`],
  over: true,
})
const takes = (state: TransportState, ...seen: readonly string[]): Reaction<TransportState> => ({ state, seen })

/** We say it now, or after our NEWKEYS. */
const says = (state: TransportState, line: string): Reaction<TransportState> =>
  state.ours === 'kexinit' ? takes({ ...state, waiting: [...state.waiting, line] }) : takes(state, line)

/** The number of each message, and who may send it (RFC 4253 §12, RFC 4252 §6, RFC 4254 §9, OpenSSH PROTOCOL §1.8). */
const numbers: Readonly<Record<string, { readonly number: number; readonly from?: 'client' | 'server' }>> = {
  DISCONNECT: { number: 1 },
  IGNORE: { number: 2 },
  SERVICE_REQUEST: { number: 5, from: 'client' },
  SERVICE_ACCEPT: { number: 6, from: 'server' },
  EXT_INFO: { number: 7 },
  'unknown 19': { number: 19 },
  KEXINIT: { number: 20 },
  'KEXINIT that guesses right': { number: 20 },
  'KEXINIT that guesses wrong': { number: 20 },
  NEWKEYS: { number: 21 },
  'unknown 29': { number: 29 },
  INIT: { number: 30 },
  'INIT too short': { number: 30 },
  REPLY: { number: 31 },
  'REPLY by another key': { number: 31 },
  USERAUTH_REQUEST: { number: 50, from: 'client' },
  USERAUTH_SUCCESS: { number: 52, from: 'server' },
  'unknown 61': { number: 61 },
  GLOBAL_REQUEST: { number: 80 },
  'unknown 101': { number: 101 },
  PING: { number: 192 },
  'unknown 200': { number: 200 },
}

/** One message of the peer. Every packet counts (RFC 4253 §6.4), also one that is dropped. */
const hears = (before: TransportState, letter: string): Reaction<TransportState> => {
  const state = { ...before, sequence: before.sequence + 1 }
  const { number, from } = numbers[letter]
  if (from === state.us) return ends(state, 'message-wrong-role')
  // RFC 4253 §11.1
  if (letter === 'DISCONNECT') return { state, seen: ['ended by peer'], over: true }
  if (number >= 20 && number <= 49 && number !== 29) return exchanges(state, letter)
  const exchanging = state.theirs !== 'nothing'
  const first = state.stage === 'exchange'
  // OpenSSH PROTOCOL §1.10: nothing but the exchange, not even what may otherwise come at any time. What could not come yet
  // in any case is told apart from it.
  const strictNow = first && exchanging && state.strict
  if (letter === 'IGNORE') return strictNow ? ends(state, 'message-in-strict-key-exchange') : takes(state)
  if (letter.startsWith('unknown')) return unknown(state, number, strictNow)
  // Nothing else exists before the first NEWKEYS.
  if (first) return ends(state, 'message-before-its-phase')
  // RFC 4253 §7.1. SERVICE_REQUEST and SERVICE_ACCEPT are excepted from 1 to 19, and RFC 8308 §2.4 puts EXT_INFO elsewhere.
  if (exchanging) return ends(state, 'message-during-key-exchange')
  return serves(state, letter)
}

const unknown = (state: TransportState, number: number, strictNow: boolean): Reaction<TransportState> => {
  // RFC 4252 §6: 60 to 79 belong to a method, and none runs here.
  if (number >= 60 && number <= 79) return ends(state, 'message-unexpected')
  if (strictNow) return ends(state, 'message-in-strict-key-exchange')
  // RFC 4253 §7.1: only 1 to 29 and the method's own may come, and for those that are not recognised §11 holds.
  if (state.theirs !== 'nothing' && number >= 30)
    return ends(state, state.stage === 'exchange' ? 'message-unexpected' : 'message-during-key-exchange')
  // RFC 4252 §6: 80 and higher belong to what runs after authentication; before, they end the connection. RFC 4251 §7 sets
  // 192 to 255 aside for extensions, which may be of any layer.
  if (number >= 80 && number < 192 && state.stage !== 'connection') return ends(state, 'message-before-its-phase')
  // RFC 4253 §11.4
  return says(state, `UNIMPLEMENTED ${state.sequence - 1}`)
}

/** RFC 4253 §10, RFC 4252 §5.1, RFC 4254 §4; by the peer of our role, and in its turn. */
const serves = (state: TransportState, letter: string): Reaction<TransportState> => {
  switch (letter) {
    case 'EXT_INFO':
      return state.us === 'client' && state.stage === 'service' ? begins(state) : takes(state)
    case 'PING':
      return says(state, 'PONG')
    case 'SERVICE_REQUEST':
      // Nothing in RFC 4253 §10 forbids to ask again before somebody is let in.
      return state.stage === 'connection' ? ends(state, 'message-after-its-phase') : says({ ...state, stage: 'auth' }, 'SERVICE_ACCEPT')
    case 'SERVICE_ACCEPT':
      return state.stage === 'service' ? begins({ ...state, stage: 'auth' }) : ends(state, 'message-after-its-phase')
    case 'USERAUTH_REQUEST':
      if (state.stage === 'service') return ends(state, 'message-before-its-phase')
      // RFC 4252 §5.1: requests after success SHOULD be silently ignored.
      return state.stage === 'connection' ? takes(state) : takes({ ...state, stage: 'connection' }, 'USERAUTH_SUCCESS', 'authenticated ada')
    case 'USERAUTH_SUCCESS':
      if (state.stage === 'service') return ends(state, 'message-before-its-phase')
      // RFC 4252 §5.1: MUST be sent only once.
      return state.stage === 'connection'
        ? ends(state, 'message-after-its-phase')
        : takes({ ...state, stage: 'connection' }, 'authenticated ada')
    default:
      // GLOBAL_REQUEST that wants a reply, of a kind nobody knows (RFC 4254 §4).
      return state.stage === 'connection' ? says(state, 'REQUEST_FAILURE') : ends(state, 'message-before-its-phase')
  }
}

const begins = (state: TransportState): Reaction<TransportState> =>
  state.begun ? takes(state) : says({ ...state, begun: true }, 'USERAUTH_REQUEST')

/** RFC 4253 §7 and §8, RFC 5656 §4. */
const exchanges = (state: TransportState, letter: string): Reaction<TransportState> => {
  if (letter.startsWith('KEXINIT')) return kexInit(state, letter)
  if (letter === 'NEWKEYS') return newKeys(state)
  // RFC 4253 §7: "the guessed packet MUST be silently ignored".
  if (state.skip) return takes({ ...state, skip: false })
  const due = state.us === 'server' ? letter.startsWith('INIT') : letter.startsWith('REPLY')
  if (state.theirs !== 'kexinit' || !due) return ends(state, 'message-unexpected')
  // RFC 5656 §4, RFC 8731 §3: values that are none.
  if (letter === 'INIT too short') return ends(state, 'key-exchange-value-invalid', 3)
  const first = state.stage === 'exchange'
  // RFC 4253 §8: the client decides whether it knows the key. A key that was not that of the first exchange is news.
  if (letter === 'REPLY by another key')
    return { state, seen: ['DISCONNECT 9', 'asks about the host key', 'ended HostKeyError'], over: true }
  const next: TransportState = { ...state, ours: 'newkeys', theirs: 'value', waiting: [] }
  // RFC 8308 §2.4: EXT_INFO comes right after the first NEWKEYS. The peer said that it takes it.
  const said = [...(state.us === 'server' ? ['message 31'] : []), 'NEWKEYS', ...(first ? ['EXT_INFO'] : []), ...state.waiting]
  return takes(next, ...said, ...(first && state.us === 'client' ? ['asks about the host key'] : []))
}

const kexInit = (state: TransportState, letter: string): Reaction<TransportState> => {
  // RFC 4253 §7.1: no further KEXINIT until NEWKEYS.
  if (state.theirs !== 'nothing') return ends(state, 'message-unexpected')
  const first = state.stage === 'exchange'
  // OpenSSH PROTOCOL §1.10: KEXINIT must be the first packet.
  if (first && state.strict && state.sequence !== 1) return ends(state, 'message-in-strict-key-exchange')
  // RFC 4253 §9: a re-exchange is answered by our own KEXINIT. A client may send its value at once.
  const said = [...(state.ours === 'nothing' ? ['KEXINIT'] : []), ...(state.us === 'client' ? ['message 30'] : [])]
  return takes({ ...state, ours: 'kexinit', theirs: 'kexinit', skip: letter === 'KEXINIT that guesses wrong' }, ...said)
}

/** RFC 4253 §7.3. From here the peer's new keys count, and with strict key exchange its packets count from 0. */
const newKeys = (state: TransportState): Reaction<TransportState> => {
  if (state.theirs !== 'value') return ends(state, 'message-unexpected')
  const first = state.stage === 'exchange'
  const next: TransportState = {
    ...state,
    stage: first ? 'service' : state.stage,
    ours: 'nothing',
    theirs: 'nothing',
    sequence: state.strict ? 0 : state.sequence,
  }
  if (!first) return takes(next, 'exchanged')
  return takes(next, ...(state.us === 'client' ? ['SERVICE_REQUEST'] : []), `exchanged first${state.strict ? ' strict' : ''}`)
}

/** What our own side is told to do. */
const does = (state: TransportState, letter: string): Reaction<TransportState> => {
  switch (letter) {
    case 'we begin an exchange':
      // RFC 4253 §9: by either side, when none runs.
      return state.ours === 'nothing' ? takes({ ...state, ours: 'kexinit' }, 'KEXINIT') : takes(state)
    default:
      return says(state, 'GLOBAL_REQUEST')
  }
}

/** `more` are letters that are only tried as the last of a sequence. */
export const modelOf = (first: TransportState, letters: readonly string[], more: readonly string[] = []): Model<TransportState> => ({
  first,
  letters: (_state, last) => (last ? [...letters, ...more] : letters),
  step: (state, letter) => (letter in numbers ? hears(state, letter) : does(state, letter)),
})

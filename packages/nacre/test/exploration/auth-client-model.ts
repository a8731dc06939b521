// Owns a model of a client that logs in: RFC 4252, RFC 4256, and RFC 4253 §10 before them. Pure; written from those texts
// and from nothing else. The client tries its key (asking first), then its password, then keyboard-interactive, once each.
//
// Where the texts leave a choice, the model says which one is ours:
// - SUCCESS in answer to a query ends the connection: RFC 4252 §7 knows PK_OK and FAILURE there, and a server that lets us in
//   unproven does not know who we are.
// - A message 60 means what the running method says (RFC 4252 §6); one that has another shape ends the connection.
import type { Model, Reaction } from './explore.ts'

/** What was asked and is not answered. `service`: not even authentication has begun. */
type Asked = 'service' | 'query' | 'proof' | 'password' | 'interactive' | 'in'

const ends = (state: Asked, violation: string, reason = 2): Reaction<Asked> => ({
  state,
  seen: [`DISCONNECT ${reason}`, `ended ${violation}`],
  over: true,
})

/** What is tried after a failure, partial or not: RFC 4252 §5.1 says what can continue, here always everything. */
const following = { query: 'password', proof: 'password', password: 'interactive', interactive: undefined } as const

const fails = (state: Exclude<Asked, 'service' | 'in'>): Reaction<Asked> => {
  const next = following[state]
  // Nothing is left to try.
  return next === undefined ? ends(state, 'AuthenticationError', 14) : { state: next, seen: ['USERAUTH_REQUEST'] }
}

/** Messages 60 by their shape: what follows the number. */
const sixties: Readonly<
  Record<string, { readonly pkOk: 'right' | 'wrong' | 'no'; readonly changeRequest: boolean; readonly infoRequest: boolean }>
> = {
  // string algorithm, string key: also the shape of string prompt, string language tag.
  PK_OK: { pkOk: 'right', changeRequest: true, infoRequest: false },
  'PK_OK for another key': { pkOk: 'wrong', changeRequest: true, infoRequest: false },
  PASSWD_CHANGEREQ: { pkOk: 'wrong', changeRequest: true, infoRequest: false },
  'INFO_REQUEST with a prompt': { pkOk: 'no', changeRequest: false, infoRequest: true },
  'INFO_REQUEST without prompts': { pkOk: 'no', changeRequest: false, infoRequest: true },
  '60 with nothing in it': { pkOk: 'no', changeRequest: false, infoRequest: false },
}

const answers = (state: Asked, letter: string): Reaction<Asked> => {
  const shape = sixties[letter]
  switch (state) {
    case 'query':
      // RFC 4252 §7: PK_OK repeats the key that was asked about; then comes the proof.
      if (shape.pkOk === 'no') return ends(state, 'malformed-message')
      return shape.pkOk === 'right' ? { state: 'proof', seen: ['USERAUTH_REQUEST'] } : ends(state, 'message-unexpected')
    case 'password':
      // RFC 4252 §8: the new password goes into another request; it may be asked for again.
      return shape.changeRequest ? { state, seen: ['USERAUTH_REQUEST'] } : ends(state, 'malformed-message')
    case 'interactive':
      // RFC 4256 §3.4: a response is due, also when nothing was asked; and more may be asked.
      return shape.infoRequest ? { state, seen: ['message 61'] } : ends(state, 'malformed-message')
    default:
      return ends(state, 'message-unexpected')
  }
}

const step = (state: Asked, letter: string): Reaction<Asked> => {
  if (letter in sixties) return answers(state, letter)
  switch (letter) {
    case 'DISCONNECT':
      return { state, seen: ['ended by peer'], over: true }
    case 'IGNORE':
      return { state, seen: [] }
    case 'PING':
      return { state, seen: ['PONG'] }
    case 'GLOBAL_REQUEST':
      // RFC 4252 §6: 80 and higher before authentication is complete.
      return state === 'in' ? { state, seen: ['REQUEST_FAILURE'] } : ends(state, 'message-before-its-phase')
    case '61':
      return ends(state, 'message-unexpected')
    case 'USERAUTH_REQUEST':
    case 'SERVICE_REQUEST':
      return ends(state, 'message-wrong-role')
    case 'SERVICE_ACCEPT':
      return state === 'service' ? { state: 'query', seen: ['USERAUTH_REQUEST'] } : ends(state, 'message-after-its-phase')
    case 'SERVICE_ACCEPT for another':
      return ends(state, state === 'service' ? 'message-unexpected' : 'message-after-its-phase')
    default:
      return authenticates(state, letter)
  }
}

const authenticates = (state: Asked, letter: string): Reaction<Asked> => {
  if (state === 'service') return ends(state, 'message-before-its-phase')
  // RFC 4252 §5.1: SUCCESS only once; §5.4: banners before it.
  if (state === 'in') return ends(state, 'message-after-its-phase')
  if (letter === 'USERAUTH_BANNER') return { state, seen: ['banner hello'] }
  if (letter.startsWith('USERAUTH_FAILURE')) return fails(state)
  return state === 'query' ? ends(state, 'message-unexpected') : { state: 'in', seen: ['authenticated ada'] }
}

const letters = [
  ...Object.keys(sixties),
  ...['61', 'USERAUTH_SUCCESS', 'USERAUTH_FAILURE', 'USERAUTH_FAILURE with partial success', 'USERAUTH_BANNER', 'SERVICE_ACCEPT'],
  ...['SERVICE_ACCEPT for another', 'SERVICE_REQUEST', 'USERAUTH_REQUEST', 'GLOBAL_REQUEST', 'PING', 'IGNORE', 'DISCONNECT'],
]

export const model: Model<Asked> = { first: 'service', letters: () => letters, step }

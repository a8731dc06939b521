// Owns a model of a server that lets somebody in: RFC 4252, RFC 4256, and RFC 4253 §10 before them. Pure; written from those
// texts and from nothing else. Who is let in is the account book's business, which model and server are both given.
//
// Where the texts leave a choice, the model says which one is ours:
// - A client has so many failures on one connection, whoever it claims to be (RFC 4252 §4 asks for a limit). As OpenSSH has
//   it, a first "none", a query that is answered with PK_OK and a success that is partial are not counted.
// - A method that is not among those that can continue fails, and is not asked about.
// - A second request for ssh-userauth is answered like the first.
import type { Model, Reaction } from './explore.ts'

export const maximumAttempts = 3
const allMethods = ['publickey', 'password', 'keyboard-interactive']

/** What somebody has put forward, and whether it was right. `key` is a key that proved itself. */
export interface Presented {
  readonly user: string
  readonly what: 'none' | 'key' | 'password' | 'response'
  readonly right: boolean
}
type Verdict = { readonly is: 'accept' } | { readonly is: 'partial' | 'refuse'; readonly remaining: readonly string[] }

/** ada needs her key and then her password or her answer; bob needs his password and has no key. */
export const accountBook = ({ user, what, right }: Presented, keyPassed: boolean): Verdict => {
  const second = ['password', 'keyboard-interactive']
  if (right && user === 'ada' && what === 'key') return { is: 'partial', remaining: second }
  if (right && user === 'ada' && keyPassed && (what === 'password' || what === 'response')) return { is: 'accept' }
  if (right && user === 'bob' && what === 'password') return { is: 'accept' }
  return { is: 'refuse', remaining: keyPassed ? second : allMethods }
}

interface State {
  readonly stage: 'service' | 'auth' | 'connection'
  readonly requests: number
  readonly failures: number
  readonly user: string
  /** Of this user: RFC 4252 §5 has all of it forgotten when the name changes. */
  readonly keyPassed: boolean
  readonly remaining: readonly string[]
  /** A question of keyboard-interactive waits for its response. */
  readonly prompted: boolean
}

export const beginning: State = {
  stage: 'service',
  requests: 0,
  failures: 0,
  user: '',
  keyPassed: false,
  remaining: allMethods,
  prompted: false,
}

const ends = (state: State, violation: string, reason = 2): Reaction<State> => ({
  state,
  seen: [`DISCONNECT ${reason}`, `ended ${violation}`],
  over: true,
})

/** RFC 4252 §5.1: FAILURE, with what can continue; or the end when that was once too often. */
const fails = (state: State, counted = true): Reaction<State> => {
  const failures = state.failures + (counted ? 1 : 0)
  if (failures >= maximumAttempts) return ends(state, 'too-many-auth-attempts', 14)
  return { state: { ...state, failures }, seen: [`USERAUTH_FAILURE ${state.remaining.join(',')}`] }
}

const judged = (state: State, presented: Presented): Reaction<State> => {
  const verdict = accountBook(presented, state.keyPassed)
  if (verdict.is === 'accept')
    return { state: { ...state, stage: 'connection' }, seen: ['USERAUTH_SUCCESS', `authenticated ${state.user}`] }
  const next = { ...state, remaining: verdict.remaining }
  // RFC 4252 §5.1: partial success is said in a FAILURE.
  if (verdict.is === 'partial')
    return { state: { ...next, keyPassed: true }, seen: [`USERAUTH_FAILURE ${verdict.remaining.join(',')} partial`] }
  return fails(next, !(presented.what === 'none' && state.requests === 1))
}

/** Requests by name: who asks, by which method, and what is in them. */
const requests: Readonly<Record<string, { readonly user: string; readonly method: string; readonly is: string }>> = {
  'ada: none': { user: 'ada', method: 'none', is: 'none' },
  'ada: right password': { user: 'ada', method: 'password', is: 'right' },
  'ada: wrong password': { user: 'ada', method: 'password', is: 'wrong' },
  'bob: right password': { user: 'bob', method: 'password', is: 'right' },
  'ada: asks about her key': { user: 'ada', method: 'publickey', is: 'query' },
  'bob: asks about her key': { user: 'bob', method: 'publickey', is: 'query' },
  'ada: proves her key': { user: 'ada', method: 'publickey', is: 'right' },
  'ada: wrong proof': { user: 'ada', method: 'publickey', is: 'wrong' },
  "ada: proof made for bob's name": { user: 'ada', method: 'publickey', is: 'wrong' },
  'bob: proves her key': { user: 'bob', method: 'publickey', is: 'right' },
  'ada: keyboard-interactive': { user: 'ada', method: 'keyboard-interactive', is: 'begins' },
  'ada: a method nobody knows': { user: 'ada', method: 'nonsense', is: 'unknown' },
}

const asks = (before: State, letter: string): Reaction<State> => {
  // RFC 4252 §5.1: "any further authentication requests received after that SHOULD be silently ignored".
  if (before.stage === 'connection') return { state: before, seen: [] }
  if (before.stage === 'service') return ends(before, 'message-before-its-phase')
  // RFC 4252 §5: a service that is not there MAY end the connection; names are UTF-8 without control characters for us.
  if (letter === 'ada: for another service') return ends(before, 'service-unknown', 7)
  if (letter === 'a name with a line break') return ends(before, 'auth-user-malformed', 15)
  // RFC 4252 §7: the signature is missing.
  if (letter === 'ada: cut short') return malformed(before)
  const { user, method, is } = requests[letter]
  // RFC 4256 §3.1 and RFC 4252 §5.1: a new request abandons what was under way; no FAILURE is due for that.
  const same = { ...before, prompted: false, requests: before.requests + 1 }
  // RFC 4252 §5: "MUST flush any accumulated authentication states if the user name changes".
  const state: State = user === before.user ? same : { ...same, user, keyPassed: false, remaining: allMethods }
  // RFC 4252 §5.2: "none" is never listed, and may be asked.
  if (method === 'none') return judged(state, { user, what: 'none', right: false })
  if (!state.remaining.includes(method)) return fails(state)
  if (method === 'password') return judged(state, { user, what: 'password', right: is === 'right' })
  if (method === 'keyboard-interactive') return { state: { ...state, prompted: true }, seen: ['message 60'] }
  // RFC 4252 §7: a query is answered by PK_OK or FAILURE and proves nothing.
  if (is === 'query') return user === 'ada' ? { state, seen: ['message 60'] } : fails({ ...state, remaining: allMethods })
  return is === 'wrong' ? fails(state) : judged(state, { user, what: 'key', right: true })
}

/** Where the method is not among those that can continue, nobody looks into the request. */
const malformed = (before: State): Reaction<State> => {
  const open = before.user !== 'ada' || before.remaining.includes('publickey')
  if (open) return ends(before, 'malformed-message')
  return fails({ ...before, prompted: false, requests: before.requests + 1 })
}

const responds = (state: State, letter: string): Reaction<State> => {
  // RFC 4252 §6: 60 to 79 mean something to a method that runs.
  if (state.stage !== 'auth' || !state.prompted) return ends(state, 'message-unexpected')
  const next = { ...state, prompted: false }
  // RFC 4256 §3.4: another number of responses than of prompts is a failure.
  if (letter === 'two responses') return fails(next)
  return judged(next, { user: state.user, what: 'response', right: letter === 'right response' })
}

const others = (state: State, letter: string): Reaction<State> => {
  switch (letter) {
    case 'IGNORE':
      return { state, seen: [] }
    case 'PING':
      return { state, seen: ['PONG'] }
    case 'SERVICE_REQUEST':
      return state.stage === 'connection'
        ? ends(state, 'message-after-its-phase')
        : { state: { ...state, stage: 'auth' }, seen: ['SERVICE_ACCEPT'] }
    case 'SERVICE_REQUEST for another':
      // RFC 4253 §10: a service that is refused ends the connection.
      return state.stage === 'connection' ? ends(state, 'message-after-its-phase') : ends(state, 'service-unknown', 7)
    case 'USERAUTH_SUCCESS':
    case 'USERAUTH_FAILURE':
    case 'USERAUTH_BANNER':
      // RFC 4252 §5.1, §5.4: only a server says these.
      return ends(state, 'message-wrong-role')
    case 'PK_OK':
      return ends(state, 'message-unexpected')
    default:
      // RFC 4252 §6: 80 and higher before authentication is complete MUST end the connection.
      return state.stage === 'connection' ? { state, seen: ['REQUEST_FAILURE'] } : ends(state, 'message-before-its-phase')
  }
}

export const requestLetters: readonly string[] = [
  ...Object.keys(requests),
  'ada: for another service',
  'a name with a line break',
  'ada: cut short',
]
export const responseLetters: readonly string[] = ['right response', 'wrong response', 'two responses']
export const otherLetters: readonly string[] = [
  ...['SERVICE_REQUEST', 'SERVICE_REQUEST for another', 'USERAUTH_SUCCESS', 'USERAUTH_FAILURE', 'USERAUTH_BANNER', 'PK_OK'],
  ...['GLOBAL_REQUEST', 'PING', 'IGNORE'],
]

export const modelOf = (first: State, letters: readonly string[], more: readonly string[] = []): Model<State> => ({
  first,
  letters: (_state, last) => (last ? [...letters, ...more] : letters),
  step: (state, letter) =>
    requestLetters.includes(letter)
      ? asks(state, letter)
      : responseLetters.includes(letter)
        ? responds(state, letter)
        : others(state, letter),
})

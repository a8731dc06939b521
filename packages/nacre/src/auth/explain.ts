// Owns the words for a login that failed: every attempt on its own line, what the server still accepts, and the likely
// cause. Knows nothing of packets. Also for callers whose server hung up in the middle of the list.
import { type AuthenticationAttempt, AuthenticationError, escapeForPeople } from '../errors.ts'

export interface FailedAuthentication {
  readonly user: string
  readonly attempts: readonly AuthenticationAttempt[]
  /** What the server accepted last; empty when it never said. */
  readonly remaining: readonly string[]
  /** Why there were no more attempts, when the reason is not that nothing was left to try. */
  readonly ended?: string
  /** The network broke off: what was refused before it is not why there is no login. */
  readonly cutOff?: boolean
  /** The server ended it because too much had failed, so that whatever was left could not be tried. */
  readonly tooMany?: boolean
  /** The server ended it in place of an answer to the last attempt: its own words are the cause. */
  readonly unanswered?: boolean
}

/** The error for a login that failed, with a message that lists every attempt in order. */
export const authenticationError = (failed: FailedAuthentication): AuthenticationError => {
  const { user, attempts, remaining, ended, cutOff = false, tooMany = false, unanswered = false } = failed
  const lines = [`Could not log in as "${escapeForPeople(user, { limit: 255 })}".`]
  if (attempts.length > 0) lines.push('Tried, in order:', ...attempts.map(attempt => `  ${attemptLine(attempt)}`))
  else lines.push('Nothing was tried.')
  if (ended !== undefined) lines.push(ended)
  if (cutOff)
    lines.push(
      'The login was not decided: try again. A server ends logins that take longer than its LoginGraceTime; its log says what it was.',
    )
  else {
    const judged = unanswered && !tooMany ? attempts.slice(0, -1) : attempts
    if (judged.length < attempts.length) lines.push('What the server says is why it ended the connection; its log may say more.')
    lines.push(...(tooMany ? tooManyFailures(attempts) : []), ...(judged.length > 0 ? causes(attempts, judged, remaining) : []))
  }
  return new AuthenticationError(lines.join('\n'), { user, attempts: [...attempts], remaining: [...remaining] })
}

/** The server never says how many it takes (MaxAuthTries); having been cut off tells. */
const tooManyFailures = (attempts: readonly AuthenticationAttempt[]): string[] => {
  const failed = attempts.filter(each => each.outcome === 'refused' && each.method !== 'none')
  const keys = failed.filter(each => each.method === 'publickey')
  const count = `The server ends a connection after ${failed.length} failed attempt${failed.length === 1 ? '' : 's'} (its MaxAuthTries)`
  if (keys.length < 2) return [`${count}.`]
  return [
    `${count}, and ${keys.length} of them were keys: any other key, and a password, could not be tried.`,
    'Offer the right key alone: name it with IdentityFile (or -i) and set IdentitiesOnly yes, then what else the agent holds is not offered.',
  ]
}

const listed = (methods: readonly string[]): string => methods.map(each => escapeForPeople(each, { limit: 64 })).join(', ')

const answers = {
  accepted: () => 'accepted',
  partial: attempt => `accepted, but the server wants more: ${listed(attempt.remaining) || 'it does not say what'}`,
  refused: attempt => `refused; the server still accepts ${listed(attempt.remaining) || 'nothing'}`,
  skipped: () => 'not completed',
} satisfies Record<AuthenticationAttempt['outcome'], (attempt: AuthenticationAttempt) => string>

const attemptLine = (attempt: AuthenticationAttempt): string => {
  const source = attempt.source === undefined ? '' : ` from ${escapeForPeople(attempt.source)}`
  const fingerprint = attempt.fingerprint === undefined ? '' : ` ${attempt.fingerprint}`
  const note = attempt.note === undefined ? '' : ` (${attempt.note})`
  return `${escapeForPeople(attempt.method, { limit: 64 })}${fingerprint}${source}: ${answers[attempt.outcome](attempt)}${note}`
}

/** `judged`: the attempts that the server has answered. */
const causes = (
  attempts: readonly AuthenticationAttempt[],
  judged: readonly AuthenticationAttempt[],
  remaining: readonly string[],
): string[] => {
  const lines: string[] = []
  const reached = attempts.filter(each => each.outcome !== 'skipped')
  const answered = judged.filter(each => each.outcome !== 'skipped')
  const told = answered.findLast(each => each.said !== undefined)
  const words = escapeForPeople(told?.said?.trim().replace(/\s+/g, ' ') ?? '', { limit: 400 })
  // What comes with the first answer may be a notice to everybody, whatever they show; those are seldom one short line.
  const toAll = told !== undefined && told === reached[0]
  if (told !== undefined && !toAll) lines.push(`Likely cause, as the server said before it refused: "${words}"`)
  else {
    if (toAll && /^.{1,200}$/.test(told.said?.trim() ?? '')) lines.push(`Before it refused, the server said, which may be why: "${words}"`)
    lines.push(...guesses(answered, remaining))
  }
  const untried = remaining.filter(method => !reached.some(each => each.method === method))
  if (untried.length > 0) {
    const asking = untried.some(method => method === 'password' || method === 'keyboard-interactive')
    const why = asking ? ' There was nobody to ask, or it was not to be used (BatchMode, PreferredAuthentications).' : ''
    lines.push(`Not tried, though the server accepts ${untried.length === 1 ? 'it' : 'them'}: ${listed(untried)}.${why}`)
  } else if (reached.length > 0 && remaining.length === 0) lines.push('The server accepts no further method.')
  return lines
}

/** What is usually the matter where the server says nothing. */
const guesses = (answered: readonly AuthenticationAttempt[], remaining: readonly string[]): string[] => {
  const lines: string[] = []
  const keys = answered.filter(each => each.method === 'publickey')
  if (keys.length > 0 && keys.every(each => each.outcome === 'refused')) {
    const [key, subject, types] = keys.length === 1 ? ['the key', 'is the key', 'its type'] : ['all keys', 'is one of them', 'their types']
    lines.push(
      `Likely cause: the server refused ${key}: ${subject} in authorized_keys of this user, and are its permissions strict (writable by the owner only, as are its folders)? Does the server take keys of ${types} (PubkeyAcceptedAlgorithms), and this user at all (AllowUsers, PermitRootLogin, an account that is locked or expired)? Its log says which.`,
    )
  }
  const passwords = answered.filter(each => each.method === 'password' && each.outcome === 'refused')
  if (passwords.length > 0 && !remaining.includes('password')) {
    const instead = remaining.includes('keyboard-interactive') ? '; it may ask for it by keyboard-interactive' : ''
    lines.push(`Likely cause: the server offers no password authentication${instead}.`)
  } else if (passwords.length > 0) {
    lines.push(
      'Likely cause: the password or the user name is wrong, or the server lets nobody in as this user by password (PermitRootLogin for root; an account that is locked or expired).',
    )
  }
  if (answered.some(each => each.method === 'hostbased' && each.outcome === 'refused'))
    lines.push(
      'Likely cause: the server does not know this host by that name with that key (ssh_known_hosts there), or this user of it is not let in (shosts.equiv, .shosts).',
    )
  return lines
}

// Owns the words for endings that nobody wished: a deadline passed, a peer fell silent, the network ended. Knows nothing of
// how a connection is ended.
import {
  DisconnectedError,
  type DisconnectReason,
  disconnectReasonName,
  escapeForPeople,
  SshError,
  TimeoutError,
  withoutStack,
} from '../errors.ts'
import type { Stage } from './admission.ts'
import type { EngineConfig } from './config.ts'

const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`

/** Deadlines for the peer, by what it had to do. */
export type PeerDeadline = 'handshake' | 'login' | 'rekey'

/** Who begins like this, where "SSH-2.0-" belongs. */
const strangers: readonly (readonly [RegExp, string])[] = [
  [/^HTTP\/|^<(?:!doctype|html)/i, 'This is a web server, no SSH server: is the port right?'],
  [/^[\x14-\x18]\x03/, 'This is TLS, not SSH: is the port right, or is there a proxy to go through?'],
  [/^220[ -]/, 'This is a mail or FTP server, no SSH server: is the port right?'],
  [/^Exceeded MaxStartups/i, 'The server has no place for another login just now: try again later, or raise its MaxStartups.'],
  [/^Not allowed at this time/i, 'The server shuts out our address for a while, after logins that failed: try again later.'],
]

/** What a peer said instead of identifying itself, and what that means. */
const whoSaid = (heard: readonly string[]): string | undefined => {
  const last = heard.at(-1)
  if (last === undefined) return undefined
  const known = strangers.find(([begins]) => heard.some(line => begins.test(line)))
  return `It said "${escapeForPeople(known === undefined ? last : (heard.find(line => known[0].test(line)) ?? last), { limit: 80 })}". ${known?.[1] ?? 'Is that an SSH server, and is the port right?'}`
}

/** The peer did not do in time what it had to. `heard` is what one said that has not identified itself. */
export const tooLate = (
  what: PeerDeadline,
  { deadlines, transport }: Pick<EngineConfig, 'deadlines' | 'transport'>,
  heard?: readonly string[],
): TimeoutError => {
  if (what === 'handshake' && heard !== undefined) {
    const why = whoSaid(heard) ?? 'Something took the connection and said nothing: is it an SSH server, and is it alive?'
    return new TimeoutError(what, `The peer did not identify itself within ${seconds(deadlines.handshake)}. ${why}`)
  }
  const words: Record<PeerDeadline, string> = {
    handshake: `The peer did not finish the first key exchange within ${seconds(deadlines.handshake)}.`,
    login: `The ${transport.role === 'server' ? 'client did not authenticate' : 'server did not answer the login'} within ${seconds(deadlines.login)}.`,
    rekey: `The peer did not finish a key exchange within ${seconds(deadlines.rekey)}.`,
  }
  return new TimeoutError(what, words[what])
}

/** We said goodbye. */
export const weEnded = (reason: DisconnectReason, description: string): DisconnectedError =>
  withoutStack(
    () => new DisconnectedError('us', reason, description, `We ended the connection${description === '' ? '' : `: ${description}`}.`),
  )

/** The peer said goodbye (RFC 4253 §11.1). */
export const peerEnded = ({
  reasonCode,
  description,
}: {
  readonly reasonCode: number
  readonly description: string
}): DisconnectedError => {
  const reason = disconnectReasonName(reasonCode)
  const shown = escapeForPeople(description)
  const message = `The peer ended the connection${shown === '' ? '' : `: ${shown}`} (${reason ?? `reason ${reasonCode}`}).`
  return withoutStack(() => new DisconnectedError('peer', reason, description, message))
}

/** No keepalive was answered. */
export const silent = ({ keepalive }: Pick<EngineConfig, 'keepalive'>): TimeoutError => {
  const whole = keepalive.milliseconds * (keepalive.maximumUnanswered + 1)
  return new TimeoutError('keepalive', `The peer has not answered for ${seconds(whole)}: it, or the network to it, is dead.`)
}

/** The network ended at this stage; `heard` is what a peer said that had not identified itself. */
export const networkEnded = (stage: Stage, heard: readonly string[] | undefined, cause: unknown): DisconnectedError => {
  const when: Record<Stage, string> = {
    exchange: 'during the first key exchange',
    service: 'before authentication was complete',
    auth: 'before authentication was complete',
    connection: 'without a goodbye from the peer',
  }
  // A transport of ours that knows why says so; the system's words are for programs.
  const known = cause instanceof SshError ? ` ${cause.message}` : undefined
  const said = heard === undefined ? undefined : whoSaid(heard)
  const guess =
    known === undefined && said === undefined
      ? ': it may not be an SSH service, or it refuses our address, or is too busy (MaxStartups). Its log may say'
      : ''
  const words = heard === undefined ? when[stage] : `before the peer identified itself${guess}`
  const message = `The connection ended ${words}.${said === undefined ? '' : ` ${said}`}${known ?? ''}`
  return withoutStack(() => new DisconnectedError('network', undefined, '', message, cause === undefined ? undefined : { cause }))
}

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

/** The peer did not do in time what it had to. */
export const tooLate = (what: PeerDeadline, { deadlines, transport }: Pick<EngineConfig, 'deadlines' | 'transport'>): TimeoutError => {
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

/** The network ended at this stage; `identified` says whether the peer had said that it speaks SSH. */
export const networkEnded = (stage: Stage, identified: boolean, cause: unknown): DisconnectedError => {
  const when: Record<Stage, string> = {
    exchange: 'during the first key exchange',
    service: 'before authentication was complete',
    auth: 'before authentication was complete',
    connection: 'without a goodbye from the peer',
  }
  // A transport of ours that knows why says so; the system's words are for programs.
  const known = cause instanceof SshError ? ` ${cause.message}` : undefined
  const guess = known === undefined ? ': it may not be an SSH service, or it refuses our address' : ''
  const words = identified ? when[stage] : `before the peer identified itself${guess}`
  const message = `The connection ended ${words}.${known ?? ''}`
  return withoutStack(() => new DisconnectedError('network', undefined, '', message, cause === undefined ? undefined : { cause }))
}

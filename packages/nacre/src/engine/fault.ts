// Owns what becomes of something thrown: the error everybody who waits is told, and what the peer is told. Knows nothing
// of how either is delivered.
import { AuthenticationError, type DisconnectReason, HostKeyError, ProtocolError, SshError, WireError } from '../errors.ts'

export interface Fault {
  readonly error: Error
  readonly reason: DisconnectReason
  /** For the peer. What goes wrong inside us is none of its business. */
  readonly description: string
}

const reasonOf = (error: Error): DisconnectReason => {
  if (error instanceof ProtocolError) return error.reason
  if (error instanceof HostKeyError) return 'host-key-not-verifiable'
  if (error instanceof AuthenticationError) return 'no-more-auth-methods-available'
  return 'by-application'
}

const errorOf = (thrown: unknown): Error => {
  if (thrown instanceof WireError) return new ProtocolError('malformed-message', thrown.message, {}, { cause: thrown })
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}

export const faultOf = (thrown: unknown): Fault => {
  const error = errorOf(thrown)
  const reason = reasonOf(error)
  const description =
    error instanceof ProtocolError ? error.message : error instanceof SshError ? reason.replaceAll('-', ' ') : 'internal error'
  return { error, reason, description }
}

// Owns how everything that a login signs begins: the session, and the request it stands in (RFC 4252 §7 and §9, RFC 4462 §3.5).
// Knows nothing of what each method puts behind it.
import { byte, bytes, text } from '../wire/codec.ts'
import { UserauthRequest } from './messages.ts'

/** Which session, user and service a proof is for. */
export interface SignedSession {
  readonly sessionId: Uint8Array
  readonly user: string
  readonly service: string
}

/** The first fields of what is signed. */
export const signedStart = { sessionIdentifier: bytes, messageNumber: byte, userName: text, serviceName: text, methodName: text } as const

/** Their values. */
export const startOf = <M extends string>(session: SignedSession, methodName: M) => ({
  sessionIdentifier: session.sessionId,
  messageNumber: UserauthRequest.number,
  userName: session.user,
  serviceName: session.service,
  methodName,
})

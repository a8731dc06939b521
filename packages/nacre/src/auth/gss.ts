// Owns the interface a mechanism of GSS-API (RFC 2743) fills for the methods "gssapi-with-mic" and "gssapi-keyex" (RFC 4462),
// and what is signed there. Knows no mechanism: Kerberos and others are a program's, or a later layer's.
import { SshError } from '../errors.ts'
import { compute } from '../algorithms/rows.ts'
import { encode, struct } from '../wire/codec.ts'
import { ask, type Dialogue } from '../wire/dialogue.ts'
import { type SignedSession, signedStart, startOf } from './signed-request.ts'

/** What a step of a context leads to. */
export type GssStep =
  /** More is to come from the other side. */
  | { readonly is: 'continue'; readonly token: Uint8Array }
  /** Our end is done. `token` goes to the other side when there is one. */
  | { readonly is: 'established'; readonly token?: Uint8Array }
  /** It cannot be done. `token` tells the other side's mechanism why; `major` and `minor` are status codes (RFC 2743 §1.2.1). */
  | { readonly is: 'failed'; readonly message: string; readonly major?: number; readonly minor?: number; readonly token?: Uint8Array }

/** One end of a context, at work for one login. Nothing here may throw for what the other side did: that is `failed` or `false`. */
export interface GssContext {
  readonly mechanism: Pick<GssMechanism, 'name'>
  /** Takes a token of the other side; `undefined` for the first step of whoever begins. */
  step(token: Uint8Array | undefined): GssStep | Promise<GssStep>
  /** Once established: whether messages can be signed (RFC 4462 §3.5 asks for a signature then). */
  readonly integrity: boolean
  /** Acceptor, once established: the name of who began, in the mechanism's own spelling. */
  readonly initiator?: string | undefined
  /** Acceptor: what was delegated, for whoever starts sessions; nothing here looks at it. */
  readonly delegated?: unknown
  /** A signature (MIC) over `data`. */
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** True when `mic` is the other side's over `data`. */
  verify(data: Uint8Array, mic: Uint8Array): boolean | Promise<boolean>
}

/** A mechanism, such as Kerberos 5. One that only a client or only a server can use leaves the other half out. */
export interface GssMechanism {
  /** DER of its object identifier, tag and length included (RFC 4462 §3.2). For Kerberos 5: 06 09 2a 86 48 86 f7 12 01 02 02. */
  readonly identifier: Uint8Array
  /** For people and logs. */
  readonly name: string
  /** A context for logging in to the service `host` of the server we mean to reach, which the mechanism was told of when it was made. */
  initiate?(): GssContext
  /** A context for whoever logs in to us. */
  accept?(): GssContext
}

/** RFC 4462 §3.5 and §4: what the MIC is made over. */
const signedFields = struct(signedStart)

/** The bytes the MIC of a login is made over. */
export const gssSignedData = (session: SignedSession, methodName: 'gssapi-with-mic' | 'gssapi-keyex'): Uint8Array =>
  encode(signedFields, startOf(session, methodName))

/** What work comes to, or the words of a typed error where it fails; other errors are mistakes and go on upwards. */
const settledWork = <T>(work: () => T | Promise<T>): (() => T | string | Promise<T | string>) => {
  const words = (error: unknown): string => {
    if (error instanceof SshError) return error.message
    throw error
  }
  return () => {
    try {
      const result = work()
      return result instanceof Promise ? result.catch(words) : result
    } catch (error) {
      return words(error)
    }
  }
}

/** The next step of a context. A mechanism that throws a typed error has failed. */
export function* gssStep(context: GssContext, token: Uint8Array | undefined): Dialogue<GssStep> {
  const result = yield* ask(compute(settledWork(() => context.step(token))))
  return typeof result === 'string' ? { is: 'failed', message: result } : result
}

/** A MIC over `data`, or words on why there is none. */
export function* gssSign(context: GssContext, data: Uint8Array): Dialogue<Uint8Array | string> {
  return yield* ask(compute(settledWork(() => context.sign(data))))
}

/** Whether the MIC is right; a mechanism that throws a typed error has not said so. */
export function* gssVerify(context: GssContext, data: Uint8Array, mic: Uint8Array): Dialogue<boolean> {
  return (yield* ask(compute(settledWork(() => context.verify(data, mic))))) === true
}

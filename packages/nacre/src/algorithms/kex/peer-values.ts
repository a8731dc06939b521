// Owns how a value the peer sent in a key exchange is refused: one violation, a message that says which value and why.
// Knows no method.
import { ProtocolError } from '../../errors.ts'

/** Whose value it is. */
export type Peer = 'client' | 'server'

export const invalidValue = (message: string, cause?: unknown): ProtocolError =>
  new ProtocolError('key-exchange-value-invalid', message, {}, cause === undefined ? {} : { cause })

/** Refuses a value that does not have exactly `size` bytes. */
export const checkSize = (peer: Peer, what: string, value: Uint8Array, size: number): void => {
  if (value.length !== size) throw invalidValue(`The ${peer}'s ${what} has ${value.length} bytes; it must have ${size}.`)
}

/**
 * Runs `work` on a value of the peer's. What a provider throws, now or later, becomes the peer's fault: nothing else it
 * was given could be wrong.
 */
export const onPeerValue = <T>(peer: Peer, what: string, work: () => T | Promise<T>): T | Promise<T> => {
  const refused = (cause: unknown): never => {
    if (cause instanceof ProtocolError) throw cause
    throw invalidValue(`The ${peer}'s ${what} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}.`, cause)
  }
  try {
    const result = work()
    return result instanceof Promise ? result.catch(refused) : result
  } catch (cause) {
    return refused(cause)
  }
}

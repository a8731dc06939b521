// Owns a mechanism of GSS-API for tests: three tokens, a shared key for signatures, and a name. Knows no Kerberos; it proves
// nothing to anybody.
import { createHash } from 'node:crypto'
import type { GssContext, GssMechanism, GssStep } from '../../src/auth/gss.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (token: Uint8Array | undefined): string | undefined => (token === undefined ? undefined : new TextDecoder().decode(token))
const mic = (data: Uint8Array): Uint8Array => Uint8Array.from(createHash('sha256').update('shared').update(data).digest().subarray(0, 12))

export interface FakeOptions {
  readonly name?: string
  /** The last arc of its identifier. */
  readonly arc?: number
  readonly integrity?: boolean
  /** Answers by promises. */
  readonly slow?: boolean
  /** The name that is proven. */
  readonly who?: string
}

/** `hello NAME`, `welcome`, `thanks`: then both ends are established. */
export const fakeMechanism = ({
  name = 'fake',
  arc = 1,
  integrity = true,
  slow = false,
  who = 'ada@TEST',
}: FakeOptions = {}): Required<GssMechanism> => {
  const soon = <T>(value: T): T | Promise<T> => (slow ? Promise.resolve(value) : value)
  const context = (step: (said: string | undefined) => GssStep, initiator?: () => string | undefined): GssContext => ({
    mechanism: { name },
    integrity,
    get initiator() {
      return initiator?.()
    },
    delegated: undefined,
    step: token => soon(step(textOf(token))),
    sign: data => soon(mic(data)),
    verify: (data, proof) => soon(Buffer.compare(mic(data), proof) === 0),
  })
  return {
    identifier: Uint8Array.of(6, 3, 42, 3, arc),
    name,
    initiate: () =>
      context(said => {
        if (said === undefined) return { is: 'continue', token: bytesOf(`hello ${who}`) }
        if (said === 'welcome') return { is: 'established', token: bytesOf('thanks') }
        return { is: 'failed', message: `the server said "${said}"`, token: bytesOf('sorry') }
      }),
    accept: () => {
      let initiator: string | undefined
      let done = false
      return context(
        said => {
          if (said?.startsWith('hello ') === true) {
            initiator = said.slice(6)
            return { is: 'continue', token: bytesOf('welcome') }
          }
          if (said === 'thanks' && initiator !== undefined) {
            done = true
            return { is: 'established' }
          }
          return { is: 'failed', message: 'clock skew too great', major: 851968, minor: 7, token: bytesOf('no') }
        },
        () => (done ? initiator : undefined),
      )
    },
  }
}

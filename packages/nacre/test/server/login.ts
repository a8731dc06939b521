// Owns a login without a protocol for the tests of authenticators: a clock by hand, attempts, and the verdicts they get.
import { createHash, randomFillSync } from 'node:crypto'
import type { AttemptQuestion, ServerAttempt, Verdict } from '../../src/auth/questions.ts'
import type { CryptoProvider } from '../../src/crypto/provider.ts'
import { Secret } from '../../src/crypto/secret.ts'
import type { Clock } from '../../src/io/clock.ts'
import { Ending } from '../../src/io/ending.ts'
import { answerAttempts, type AuthenticationContext, type Authenticator } from '../../src/server/authenticate.ts'
import { type TestKey, testKey } from '../auth/fixtures.ts'

/** Time stands still until somebody waits or says otherwise. */
export const handClock = () => {
  let now = 1000
  const waited: number[] = []
  const clock: Clock & { readonly waited: readonly number[]; pass(milliseconds: number): void } = {
    now: () => now,
    after(milliseconds, act) {
      waited.push(milliseconds)
      now += milliseconds
      queueMicrotask(act)
      return () => {}
    },
    waited,
    pass(milliseconds) {
      now += milliseconds
    },
  }
  return clock
}

export interface LoginOptions extends Partial<AuthenticationContext> {
  readonly address?: string
}

/** One connection to a server with this authenticator. */
export const login = (authenticator: Authenticator<unknown>, options: LoginOptions = {}) => {
  const errors: unknown[] = []
  const banners: string[] = []
  const ending = new Ending()
  const { address = '192.0.2.1', ...context } = options
  const answer = answerAttempts(authenticator, {
    remote: { address, port: 50000 },
    ending,
    clock: handClock(),
    floor: () => 0,
    onError: error => errors.push(error),
    ...context,
  })
  const ordinals = { user: '', next: 0 }
  const ask = (attempt: ServerAttempt, user = 'ada', more: Partial<AttemptQuestion> = {}): Promise<Verdict> => {
    if (ordinals.user !== user) Object.assign(ordinals, { user, next: 0 })
    return Promise.resolve(
      answer({
        is: 'attempt',
        user,
        service: 'ssh-connection',
        attempt,
        ordinal: ordinals.next++,
        banner: text => banners.push(text),
        ...more,
      }),
    )
  }
  return {
    errors,
    banners,
    end: () => ending.end(),
    ask,
    none: (user?: string) => ask({ method: 'none' }, user),
    password: (password: string, user?: string) => ask({ method: 'password', password: new Secret(password) }, user),
    changes: (old: string, fresh: string, user?: string) =>
      ask({ method: 'password-change', oldPassword: new Secret(old), newPassword: new Secret(fresh) }, user),
    shows: (key: TestKey, user?: string) => ask(keyAttempt(key, false), user),
    proves: (key: TestKey, user?: string) => ask(keyAttempt(key, true), user),
    talks: (user?: string, submethods: readonly string[] = []) => ask({ method: 'keyboard-interactive', submethods }, user),
    responds: (...responses: string[]) =>
      ask({ method: 'keyboard-interactive-response', responses: responses.map(each => new Secret(each)) }, ordinals.user),
  }
}

const keyAttempt = (key: TestKey, proven: boolean): ServerAttempt => ({
  method: 'publickey',
  algorithm: key.algorithm,
  publicKey: key.blob,
  fingerprint: key.fingerprint,
  proven,
})

export const mine = testKey(1)
export const yours = testKey(2)

export const refused = (...remaining: string[]): Verdict => ({ is: 'refuse', remaining })
export const partly = (...remaining: string[]): Verdict => ({ is: 'partial', remaining })
export const letIn = (identity: unknown): Verdict => ({ is: 'accept', identity })
/** PK_OK: accepted, and nobody. */
export const keyWouldDo: Verdict = { is: 'accept', identity: undefined }
export const asked = (...texts: string[]): Verdict => ({
  is: 'prompt',
  name: '',
  instruction: '',
  prompts: texts.map(prompt => ({ prompt, echo: false })),
})

/** As much of a provider as the floor needs. */
export const someCrypto = {
  random: (bytes: Uint8Array) => void randomFillSync(bytes),
  hash: (name: string, ...pieces: readonly Uint8Array[]) => {
    const hash = createHash(name)
    for (const piece of pieces) hash.update(piece)
    return new Uint8Array(hash.digest())
  },
} as unknown as CryptoProvider

// Owns how the two sides of a simulation log in: the client's credentials in the order of the plan, and the server's
// judgement of each. Knows nothing of engines or time.
import type { AttemptQuestion, Credential, Verdict } from '../../src/auth/questions.ts'
import type { CryptoProvider } from '../../src/crypto/provider.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { fingerprint } from '../../src/keys/fingerprint.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { pairPassword } from '../../src/testing/pair.ts'
import { bytes, encode, struct, text } from '../../src/wire/codec.ts'
import type { Attempt, LoginPlan } from './scenario.ts'

const methods = ['publickey', 'password', 'keyboard-interactive'] as const
const answers = ['open', 'sesame'] as const

const strangersKey = encode(struct({ type: text, key: bytes }), { type: 'ssh-ed25519', key: new Uint8Array(32).fill(9) })

/** A promise whose value can be had without waiting, so that a simulation needs no event loop. */
export interface Prompt<T> extends Promise<T> {
  readonly value: T
}
const prompt = <T>(value: T): Prompt<T> => Object.assign(Promise.resolve(value), { value })
export const isPrompt = (value: unknown): value is Prompt<unknown> => value instanceof Promise && 'value' in value

/** A host key whose signatures take a while. */
export const slowSigner = (signer: Signer): Signer => ({
  ...signer,
  sign: (data, algorithm) => {
    const signed = signer.sign(data, algorithm)
    return signed instanceof Promise ? signed : prompt(signed)
  },
})

const credentialOf = (attempt: Attempt, signer: Signer): Credential => {
  const key = (publicKey: Uint8Array, query: boolean): Credential => ({
    method: 'publickey',
    publicKey,
    algorithm: 'ssh-ed25519',
    fingerprint: fingerprint(publicKey),
    source: 'simulation',
    query,
    sign: (data, algorithm) => signer.sign(data, algorithm),
  })
  switch (attempt) {
    case 'none':
      return { method: 'none' }
    case 'wrong-password':
      return { method: 'password', password: new Secret('wrong'), source: 'simulation' }
    case 'password':
      return { method: 'password', password: new Secret(pairPassword), source: 'simulation' }
    case 'key':
      return key(signer.publicKey.blob, false)
    case 'queried-key':
      return key(signer.publicKey.blob, true)
    case 'refused-key':
      return key(strangersKey, true)
    case 'interactive':
    case 'cancelled':
      return { method: 'keyboard-interactive', submethods: '', source: 'simulation' }
  }
}

/** What the client says. */
export class LoginScript {
  readonly #plan: LoginPlan
  readonly #signer: Signer
  #next = 0

  constructor(plan: LoginPlan, crypto: CryptoProvider) {
    this.#plan = plan
    this.#signer = insecureTestHostKey(crypto)
  }

  next(): Credential {
    const attempt = this.#plan.attempts[this.#next++]
    return attempt === undefined ? { method: 'give-up', notes: [] } : credentialOf(attempt, this.#signer)
  }

  prompts(count: number): readonly string[] | undefined {
    return this.#plan.attempts[this.#next - 1] === 'cancelled' ? undefined : answers.slice(0, count)
  }
}

/** What the server makes of it. */
export const judge = ({ attempt }: AttemptQuestion, hostKey: Signer): Verdict => {
  const refuse: Verdict = { is: 'refuse', remaining: methods }
  const decide = (right: boolean): Verdict => (right ? { is: 'accept', identity: 'ada' } : refuse)
  switch (attempt.method) {
    case 'password':
      return decide(attempt.password.reveal() === pairPassword)
    case 'publickey':
      return decide(Buffer.compare(attempt.publicKey, hostKey.publicKey.blob) === 0)
    case 'keyboard-interactive':
      return { is: 'prompt', name: '', instruction: '', prompts: answers.map(each => ({ prompt: `${each}?`, echo: false })) }
    case 'keyboard-interactive-response':
      return decide(attempt.responses.every((each, index) => each.reveal() === answers[index]))
    default:
      return refuse
  }
}

export const loginMethods: readonly string[] = methods

/** Attempts that let the user in. */
export const letsIn = (attempt: Attempt): boolean =>
  attempt === 'password' || attempt === 'key' || attempt === 'queried-key' || attempt === 'interactive'

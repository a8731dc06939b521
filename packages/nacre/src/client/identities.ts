// Owns the usual way to log in: keys in order, then prompts, then a password, each only while the server takes it. Knows
// nothing of files or agents: signers and answers are given to it.
import type { Credential, CredentialQuestion, PromptsQuestion } from '../auth/questions.ts'
import { signatureAlgorithms } from '../algorithms/signature/table.ts'
import { Secret } from '../crypto/secret.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import type { Signer } from '../keys/signer.ts'
import type { Identities } from './policy.ts'

/** A password, or a way to get one; `undefined` means there is none. `attempt` counts from 1. */
export type PasswordSource =
  | string
  | Secret<string>
  | ((attempt: number) => string | Secret<string> | undefined | Promise<string | Secret<string> | undefined>)

export interface CredentialOptions {
  /** Keys in the order they are offered. A function is only called when the server takes keys at all. */
  readonly signers?: readonly Signer[] | (() => readonly Signer[] | Promise<readonly Signer[]>)
  readonly password?: PasswordSource
  /** Answers to keyboard-interactive prompts. Without it, a single hidden prompt is answered with the password. */
  readonly answer?: (question: PromptsQuestion) => readonly string[] | undefined | Promise<readonly string[] | undefined>
  readonly newPassword?: Identities['newPassword']
  /** Methods in the order they are tried. Default: publickey, keyboard-interactive, password. */
  readonly preferred?: readonly string[]
  /** How often a password source is asked. Default 3. */
  readonly passwordPrompts?: number
  /** Signature algorithms that may be used, insecure ones only if they are named here. Default: all that are not insecure. */
  readonly signatureAlgorithms?: readonly string[]
  /** Ask the server about a key before signing with it. Default: only for keys whose signing is not ours to do. */
  readonly query?: (signer: Signer) => boolean
}

const defaultPreferred = ['publickey', 'keyboard-interactive', 'password'] as const

/**
 * The signature algorithm for a key: its strongest one that we may use and that the server takes, if it said what it
 * takes. The server's list (RFC 8308 §3.1) only chooses between several: a key with one algorithm is tried anyway, as
 * OpenSSH does, since there are servers whose list is wrong (ssh2 1.17 has two names run together in it).
 */
const algorithmFor = (signer: Signer, allowed: (name: string) => boolean, accepted: readonly string[] | undefined): string | undefined =>
  signer.algorithms.find(each => allowed(each) && (accepted === undefined || signer.algorithms.length === 1 || accepted.includes(each)))

/** Signature algorithms that are only used when somebody names them. */
const insecure: ReadonlySet<string> = new Set(signatureAlgorithms.filter(row => row.standing === 'insecure').map(row => row.name))

/** Identities from keys, a password and answers, each kind tried only while the server takes it. */
export const credentials = (options: CredentialOptions): Identities => {
  const preferred = options.preferred ?? defaultPreferred
  const maximumPasswords = typeof options.password === 'function' ? (options.passwordPrompts ?? 3) : 1
  const notes: AuthenticationAttempt[] = []
  let all: readonly Signer[] | undefined
  let signers: Signer[] | undefined
  let stepsPassed = 0
  let triedNone = false
  let passwords = 0
  let conversations = 0
  let answeredWithPassword = false

  const skip = (method: string, note: string, remaining: readonly string[], signer?: Signer): void => {
    notes.push({
      method,
      outcome: 'skipped',
      remaining,
      note,
      ...(signer === undefined ? {} : { fingerprint: signer.publicKey.fingerprint(), source: signer.source }),
    })
  }

  const nextKey = async (question: CredentialQuestion): Promise<Credential | undefined> => {
    all ??= typeof options.signers === 'function' ? await options.signers() : (options.signers ?? [])
    const passed = question.attempts.filter(each => each.outcome === 'partial')
    if (signers === undefined || passed.length > stepsPassed) {
      // A key refused before a step was passed may be the next step; one that was a step itself is used up.
      signers = all.filter(each => !passed.some(step => step.fingerprint === each.publicKey.fingerprint()))
      stepsPassed = passed.length
    }
    for (let signer = signers.shift(); signer !== undefined; signer = signers.shift()) {
      const allowed = (name: string): boolean =>
        options.signatureAlgorithms === undefined ? !insecure.has(name) : options.signatureAlgorithms.includes(name)
      const algorithm = algorithmFor(signer, allowed, question.serverSignatureAlgorithms)
      if (algorithm === undefined) {
        const usable = signer.algorithms.filter(allowed)
        const why =
          usable.length === 0
            ? `we use none of ${signer.algorithms.join(', ')} (PubkeyAcceptedAlgorithms)`
            : `the server takes none of ${usable.join(', ')} (its server-sig-algs)`
        skip('publickey', why, question.remaining ?? [], signer)
        continue
      }
      const { sign } = signer
      return {
        method: 'publickey',
        publicKey: signer.publicKey.blob,
        algorithm,
        fingerprint: signer.publicKey.fingerprint(),
        source: signer.source,
        query: options.query?.(signer) ?? signer.slow,
        sign: (data, name) => sign(data, name),
      }
    }
    return undefined
  }

  const nextPassword = async (): Promise<Credential | undefined> => {
    if (options.password === undefined || passwords >= maximumPasswords) return undefined
    passwords++
    const given = typeof options.password === 'function' ? await options.password(passwords) : options.password
    if (given === undefined) return undefined
    return {
      method: 'password',
      password: given instanceof Secret ? given : new Secret(given),
      source: typeof options.password === 'function' ? 'prompt' : 'option',
    }
  }

  const nextConversation = (): Credential | undefined => {
    const possible = options.answer !== undefined ? (options.passwordPrompts ?? 3) : options.password !== undefined ? maximumPasswords : 0
    if (conversations >= possible) return undefined
    conversations++
    return { method: 'keyboard-interactive', submethods: '', source: options.answer === undefined ? 'password' : 'prompt' }
  }

  return {
    async next(question) {
      const { remaining } = question
      // With a key at hand the question what the server takes need not be asked first: the first answer tells.
      const takes = (method: string): boolean => remaining === undefined || remaining.includes(method)
      if (
        remaining === undefined &&
        !triedNone &&
        (signers ?? options.signers ?? []).length === 0 &&
        typeof options.signers !== 'function'
      ) {
        triedNone = true
        return { method: 'none' }
      }
      for (const method of preferred) {
        if (!takes(method)) continue
        if (remaining === undefined && method !== 'publickey') break
        const credential =
          method === 'publickey'
            ? await nextKey(question)
            : method === 'password'
              ? await nextPassword()
              : method === 'keyboard-interactive'
                ? nextConversation()
                : undefined
        if (credential !== undefined) return credential
      }
      if (remaining === undefined && !triedNone) {
        triedNone = true
        return { method: 'none' }
      }
      return { method: 'give-up', notes }
    },
    async answer(question) {
      if (options.answer !== undefined) return await options.answer(question)
      // A server that only asks for the password this way is what most password logins are.
      if (question.prompts.length === 0) return []
      if (question.prompts.length !== 1 || question.prompts[0].echo || answeredWithPassword) return undefined
      answeredWithPassword = typeof options.password !== 'function'
      const given = await nextPassword()
      return given?.method === 'password' ? [given.password.reveal()] : undefined
    },
    ...(options.newPassword === undefined ? {} : { newPassword: options.newPassword }),
  }
}

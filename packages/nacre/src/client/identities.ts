// Owns the usual way to log in: keys in order, then prompts, then a password, each only while the server takes it. Knows
// nothing of files or agents: signers and answers are given to it.
import { choose } from '../algorithms/preference.ts'
import { signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { GssContext, GssMechanism } from '../auth/gss.ts'
import type { Credential, CredentialQuestion, PromptsQuestion } from '../auth/questions.ts'
import { Secret } from '../crypto/secret.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import type { AlgorithmOptions } from '../engine/assemble.ts'
import { whenThere } from '../io/soon.ts'
import { plainTypeOf, withCertificates } from '../keys/certificate-names.ts'
import type { FingerprintHash } from '../keys/fingerprint.ts'
import type { Signer } from '../keys/signer.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { type HostIdentity, type HostIdentitySource, HostKeysInTurn, type ReachedBy } from './host-identity.ts'
import type { Identities } from './policy.ts'

/** A password, or a way to get one; `undefined` means there is none. `attempt` counts from 1. */
export type PasswordSource =
  | string
  | Secret<string>
  | ((attempt: number) => string | Secret<string> | undefined | Promise<string | Secret<string> | undefined>)

type OfferedSigners = readonly (Signer | LateSigners)[]

/** Keys nobody knows anything of until they are fetched, as those in some encrypted files: done when their turn comes. */
export type LateSigners = () => readonly Signer[] | Promise<readonly Signer[]>

export interface CredentialOptions {
  /**
   * Keys in the order they are offered. A function is only called when the server takes keys at all; it is given what the
   * server proved, for an agent to bind its keys to. A function among the keys is called when its turn comes.
   */
  readonly signers?: OfferedSigners | ((proof: SessionProof | undefined) => OfferedSigners | Promise<OfferedSigners>)
  readonly password?: PasswordSource
  /** Answers to keyboard-interactive prompts. Without it, a single hidden prompt is answered with the password. */
  readonly answer?: (question: PromptsQuestion) => readonly string[] | undefined | Promise<readonly string[] | undefined>
  readonly newPassword?: Identities['newPassword']
  /** The host we are on, for the method hostbased. A function is only called when the server takes that. */
  readonly hostBased?: HostIdentitySource
  /** Mechanisms of GSS-API, for the method gssapi-with-mic; and what a key exchange by one left behind, for gssapi-keyex. */
  readonly gss?: { readonly mechanisms: readonly GssMechanism[]; readonly exchanged?: () => GssContext | undefined }
  /**
   * Methods in the order they are tried. Default, as OpenSSH: gssapi-keyex, gssapi-with-mic, hostbased, publickey,
   * keyboard-interactive, password.
   */
  readonly preferred?: readonly string[]
  /** How often a password source is asked, and somebody for the passphrase of a key file. Default 3. */
  readonly passwordPrompts?: number
  /** Signature algorithms that may be used, insecure ones only if they are named here. Default: all that are not insecure. */
  readonly signatureAlgorithms?: readonly string[]
  /** The devices a server is asked to ask by, in keyboard-interactive: hints, separated by commas (RFC 4256 §3.1). Default none. */
  readonly kbdInteractiveDevices?: string
  /** Name the server's key in proofs by keys that want it, where the server takes that (publickey-hostbound). Default true. */
  readonly hostBound?: boolean
  /** How keys are named in what is told of attempts. Default sha256. */
  readonly fingerprintHash?: FingerprintHash
  /** Ask the server about a key before signing with it. Default: only for keys whose signing is not ours to do. */
  readonly query?: (signer: Signer) => boolean
}

const defaultPreferred: readonly string[] = [
  'gssapi-keyex',
  'gssapi-with-mic',
  'hostbased',
  'publickey',
  'keyboard-interactive',
  'password',
]
const defaultPasswordPrompts = 3

/** Signature algorithms that are only used when somebody names them. */
const allSignatures = withCertificates(signatureAlgorithms)
const insecure: ReadonlySet<string> = new Set(allSignatures.filter(row => row.standing === 'insecure').map(row => row.name))
/** Those few servers know: not tried at one that says what it takes, unless they are in its list or were named. */
const onRequest: ReadonlySet<string> = new Set(allSignatures.filter(row => row.standing === 'offered-on-request').map(row => row.name))

type PasswordCredential = Extract<Credential, { method: 'password' }>

const passwordCredential = (given: string | Secret<string> | undefined, source: string): PasswordCredential | undefined =>
  given === undefined ? undefined : { method: 'password', password: given instanceof Secret ? given : new Secret(given), source }

class UsualIdentities {
  readonly #options: CredentialOptions
  readonly #skipped: AuthenticationAttempt[] = []
  #all: OfferedSigners | undefined
  #left: (Signer | LateSigners)[] | undefined
  #stepsPassed = 0
  #triedNone = false
  #passwords = 0
  #conversations = 0
  #answeredWithPassword = false
  #proof: SessionProof | undefined
  #hostKeys: HostKeysInTurn | undefined | Promise<HostKeysInTurn | undefined>
  #askedHost = false
  #by: ReachedBy | undefined
  #triedGss: string[] = []

  constructor(options: CredentialOptions) {
    this.#options = options
  }

  reached(by: ReachedBy): void {
    this.#by = by
  }

  connected(proof: SessionProof): void {
    this.#proof = proof
  }

  /** At once where nobody has to be asked: a login by key then needs no turn of the event loop. */
  next(question: CredentialQuestion): Credential | Promise<Credential> {
    const { remaining } = question
    if (remaining !== undefined)
      return this.#firstOf(
        this.#preferred.filter(method => remaining.includes(method)),
        question,
      )
    // With a key at hand the question what the server takes need not be asked first: the first answer tells.
    const first = this.#preferred.find(method => method === 'publickey' || this.#vouchedFor(method))
    const key = first === 'publickey' ? this.#nextKey(question) : undefined
    return whenThere(key, found => found ?? this.#withoutKey())
  }

  #withoutKey(): Credential {
    if (this.#triedNone) return this.#giveUp()
    this.#triedNone = true
    return { method: 'none' }
  }

  /** The next credential of the first method that has one. */
  #firstOf([method, ...others]: readonly string[], question: CredentialQuestion): Credential | Promise<Credential> {
    if (method === undefined) return this.#giveUp()
    return whenThere(this.#nextOf(method, question), found => found ?? this.#firstOf(others, question))
  }

  async answer(question: PromptsQuestion): Promise<readonly string[] | undefined> {
    const { answer, password } = this.#options
    if (answer !== undefined) return await answer(question)
    // A server that only asks for the password this way is what most password logins are.
    if (question.prompts.length === 0) return []
    if (question.prompts.length !== 1 || question.prompts[0].echo || this.#answeredWithPassword) return undefined
    this.#answeredWithPassword = typeof password !== 'function'
    const given = await this.#nextPassword()
    return given === undefined ? undefined : [given.password.reveal()]
  }

  get #preferred(): readonly string[] {
    return this.#options.preferred ?? defaultPreferred
  }

  #giveUp(): Credential {
    return { method: 'give-up', notes: this.#skipped }
  }

  #nextOf(method: string, question: CredentialQuestion): Credential | undefined | Promise<Credential | undefined> {
    if (method === 'publickey') return this.#nextKey(question)
    if (method === 'password') return this.#nextPassword()
    if (method === 'hostbased') return this.#nextHostKey(question)
    if (method === 'gssapi-with-mic' || method === 'gssapi-keyex') return this.#nextGss(method)
    return method === 'keyboard-interactive' ? this.#nextConversation() : undefined
  }

  /** Whether there may be something to try that asks nobody and shows no key. */
  #vouchedFor(method: string): boolean {
    const { hostBased, gss } = this.#options
    if (method === 'hostbased') return hostBased !== undefined
    if (method === 'gssapi-with-mic') return gss !== undefined && gss.mechanisms.length > 0
    return method === 'gssapi-keyex' && gss?.exchanged !== undefined
  }

  #nextHostKey(question: CredentialQuestion): Credential | undefined | Promise<Credential | undefined> {
    if (!this.#askedHost) {
      this.#askedHost = true
      const { hostBased } = this.#options
      const begin = (identity: HostIdentity | undefined): HostKeysInTurn | undefined =>
        identity === undefined
          ? undefined
          : new HostKeysInTurn(identity, name => this.#mayUse(name), this.#skipped, this.#options.fingerprintHash)
      this.#hostKeys = whenThere(typeof hostBased === 'function' ? hostBased(this.#by) : hostBased, begin)
    }
    return whenThere(this.#hostKeys, keys => keys?.next(question))
  }

  /** Each of the two once. */
  #nextGss(method: 'gssapi-with-mic' | 'gssapi-keyex'): Credential | undefined {
    const { gss } = this.#options
    if (gss === undefined || this.#triedGss.includes(method)) return undefined
    this.#triedGss.push(method)
    if (method === 'gssapi-with-mic') {
      const mechanisms = gss.mechanisms.filter(each => each.initiate !== undefined)
      return mechanisms.length === 0 ? undefined : { method, mechanisms, source: mechanisms.map(each => each.name).join(', ') }
    }
    const context = gss.exchanged?.()
    return context === undefined ? undefined : { method, context, source: context.mechanism.name }
  }

  #nextKey(question: CredentialQuestion): Credential | undefined | Promise<Credential | undefined> {
    const { signers } = this.#options
    const all = this.#all ?? (typeof signers === 'function' ? signers(this.#proof) : (signers ?? []))
    return whenThere(all, found => {
      this.#all = found
      return this.#usableKey(this.#keysLeft(found, question), question)
    })
  }

  #usableKey(left: (Signer | LateSigners)[], question: CredentialQuestion): Credential | undefined | Promise<Credential | undefined> {
    // Somebody may be asked for a late one: not before the server has said that it takes keys.
    while (question.remaining !== undefined || typeof left[0] !== 'function') {
      const signer = left.shift()
      if (signer === undefined) return undefined
      if (typeof signer === 'function') return this.#lateKey(signer, left, question)
      const usable = signer.algorithms.filter(name => this.#mayUse(name))
      const algorithm = this.#algorithmFor(signer, usable, question.serverSignatureAlgorithms)
      if (algorithm !== undefined) return this.#credential(signer, algorithm)
      this.#skip(signer, usable, question.remaining ?? [])
    }
    return undefined
  }

  #print(signer: Signer): string {
    return signer.publicKey.fingerprint(this.#options.fingerprintHash)
  }

  #credential(signer: Signer, algorithm: string): Credential {
    return {
      method: 'publickey',
      publicKey: signer.publicKey.blob,
      algorithm,
      fingerprint: this.#print(signer),
      source: signer.source,
      query: this.#options.query?.(signer) ?? signer.slow,
      ...(signer.namesHost === true && this.#options.hostBound !== false ? { namesHost: true } : {}),
      sign: (data, name) => signer.sign(data, name),
    }
  }

  /** Fetches late keys, which then stand where the promise of them stood, and goes on with them. */
  #lateKey(
    late: LateSigners,
    left: (Signer | LateSigners)[],
    question: CredentialQuestion,
  ): Credential | undefined | Promise<Credential | undefined> {
    return whenThere(late(), fetched => {
      this.#all = this.#all?.flatMap((each): OfferedSigners => (each === late ? fetched : [each]))
      left.unshift(...fetched)
      return this.#usableKey(left, question)
    })
  }

  /** Those of `all` not yet offered. */
  #keysLeft(all: OfferedSigners, question: CredentialQuestion): (Signer | LateSigners)[] {
    const passed = question.attempts.filter(each => each.outcome === 'partial')
    if (this.#left === undefined || passed.length > this.#stepsPassed) {
      // A key refused before a step was passed may be the next step; one that was a step itself is used up.
      this.#left = all.filter(each => typeof each === 'function' || !passed.some(step => step.fingerprint === this.#print(each)))
      this.#stepsPassed = passed.length
    }
    return this.#left
  }

  /**
   * The strongest algorithm that we may use and that the server takes, if it said what it takes. Its list (RFC 8308 §3.1)
   * only chooses between several: a key with one algorithm is tried anyway, as OpenSSH does, since there are servers whose
   * list is wrong (ssh2 1.17 has two names run together in it), but not one that is only offered on request. Certificates are
   * told by the plain names of their signatures.
   */
  #algorithmFor(signer: Signer, usable: readonly string[], accepted: readonly string[] | undefined): string | undefined {
    const only = signer.algorithms.length === 1
    const named = this.#options.signatureAlgorithms !== undefined
    return usable.find(
      name =>
        accepted === undefined ||
        (only && (named || !onRequest.has(name))) ||
        accepted.includes(name) ||
        accepted.includes(plainTypeOf(name)),
    )
  }

  #mayUse(name: string): boolean {
    const named = this.#options.signatureAlgorithms
    return named === undefined ? !insecure.has(name) : named.includes(name)
  }

  #skip(signer: Signer, usable: readonly string[], remaining: readonly string[]): void {
    const note =
      usable.length === 0
        ? `we use none of ${signer.algorithms.join(', ')} (PubkeyAcceptedAlgorithms)`
        : `the server takes none of ${usable.join(', ')} (its server-sig-algs)`
    const fingerprint = this.#print(signer)
    this.#skipped.push({ method: 'publickey', outcome: 'skipped', remaining, note, fingerprint, source: signer.source })
  }

  get #maximumPasswords(): number {
    return typeof this.#options.password === 'function' ? (this.#options.passwordPrompts ?? defaultPasswordPrompts) : 1
  }

  #nextPassword(): PasswordCredential | undefined | Promise<PasswordCredential | undefined> {
    const { password } = this.#options
    if (password === undefined || this.#passwords >= this.#maximumPasswords) return undefined
    this.#passwords++
    if (typeof password !== 'function') return passwordCredential(password, 'option')
    return whenThere(password(this.#passwords), given => passwordCredential(given, 'prompt'))
  }

  #nextConversation(): Credential | undefined {
    const { answer, password, passwordPrompts, kbdInteractiveDevices } = this.#options
    const possible =
      answer !== undefined ? (passwordPrompts ?? defaultPasswordPrompts) : password !== undefined ? this.#maximumPasswords : 0
    if (this.#conversations >= possible) return undefined
    this.#conversations++
    return { method: 'keyboard-interactive', submethods: kbdInteractiveDevices ?? '', source: answer === undefined ? 'password' : 'prompt' }
  }
}

/** The signature algorithms a choice leaves (PubkeyAcceptedAlgorithms), as an option; nothing when nothing was chosen. */
export const chosenSignatures = (choice: AlgorithmOptions['publicKeyAccepted']): Pick<CredentialOptions, 'signatureAlgorithms'> =>
  choice === undefined ? {} : { signatureAlgorithms: choose('signature algorithm', allSignatures, choice) }

/** What a program gave to log in with, which may be identities already. What `auth` says of signatures goes before `signatures`. */
export const identitiesFrom = (
  auth: CredentialOptions | Identities,
  signatures: Pick<CredentialOptions, 'signatureAlgorithms'>,
): Identities => ('next' in auth ? auth : credentials({ ...signatures, ...auth }))

/** Identities from keys, a password and answers, each kind tried only while the server takes it. */
export const credentials = (options: CredentialOptions): Identities => {
  const usual = new UsualIdentities(options)
  return {
    reached: by => usual.reached(by),
    connected: proof => usual.connected(proof),
    next: question => usual.next(question),
    answer: question => usual.answer(question),
    ...(options.newPassword === undefined ? {} : { newPassword: options.newPassword }),
  }
}

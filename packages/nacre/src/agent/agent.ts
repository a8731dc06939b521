// Owns an agent: the keys it holds, its lock, what it was told to allow, and the answers to requests. Knows nothing of sockets
// or streams, and asks persons and security keys by callbacks.
import { signatureBlobName } from '../auth/signature-names.ts'
import { keyTypes, signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { SshError } from '../errors.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import { type Certificate, parseCertificate } from '../keys/certificate.ts'
import { checkCertificate } from '../keys/certificate-check.ts'
import { isCertificateType } from '../keys/certificate-names.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import { createSigner } from '../keys/signer.ts'
import { verifySignature } from '../keys/verify.ts'
import { matchesPatternList } from '../patterns.ts'
import { Reader } from '../wire/reader.ts'
import type { KeyConstraints } from './constraints.ts'
import type { HostCertificateCheck } from './destinations.ts'
import { type AgentIdentity, identityBlob, overwriteSecrets } from './identity.ts'
import { type HeldKey, KeyStore } from './key-store.ts'
import { AgentLock } from './lock.ts'
import { rsaAlgorithmOf } from './messages.ts'

/** Somebody wants to use a key that is to be used only when the person says so. */
export interface KeyUse {
  readonly publicKey: PublicKey
  /** Unescaped. */
  readonly comment: string
  /** The user of the login, when the agent knows that it is one; unescaped. */
  readonly user: string | undefined
}

/** A signature that only a security key can make. */
export interface SecurityKeyUse {
  readonly publicKey: PublicKey
  readonly comment: string
  readonly application: string
  /** What the token asks for: 1 a touch, 4 a PIN. */
  readonly flags: number
  readonly keyHandle: Uint8Array
  /** The library the key was added with; `undefined` when none was named. */
  readonly provider: string | undefined
  /** What is signed, as it was given to the agent. */
  readonly data: Uint8Array
}

export interface AgentOptions {
  readonly crypto: CryptoProvider
  /** For lifetimes and delays. Default: the system's. */
  readonly clock?: Clock
  /** Milliseconds since 1970, for certificates of hosts. Default: `Date.now`. */
  readonly now?: () => number
  /** Seconds keys are held that were added without a lifetime. Default: for ever. */
  readonly lifetime?: number
  /** Keys held at once. Default 1024. */
  readonly maximumKeys?: number
  /** Asks the person. Without it, keys that need a confirmation are never used. */
  readonly confirm?: (use: KeyUse) => boolean | Promise<boolean>
  /** Has a security key sign: a whole signature blob. Without it clients cannot add such keys: they would sign nothing. */
  readonly signBySecurityKey?: (use: SecurityKeyUse) => Uint8Array | Promise<Uint8Array>
  /**
   * The path a library for security keys really has, or `undefined` when it may not be used. Asked when a key is added with one
   * other than `internal`. Default: none may.
   */
  readonly resolveProvider?: (path: string) => string | undefined | Promise<string | undefined>
  /** True lets those who come over a forwarded connection name such libraries. Default false. */
  readonly allowRemoteProviders?: boolean
  /**
   * Patterns of applications whose security keys sign anything. Others sign only logins and files (SSHSIG), so that no web page
   * is logged in to. Default `ssh:*`.
   */
  readonly websafe?: readonly string[]
  /** Told in words what is refused and why, for a log. */
  readonly onNote?: (note: string) => void
}

const usualMaximumKeys = 1024
/** OpenSSH's agent takes RSA keys from here on; whether they are used is for those who use them. */
const leastRsaBits = 1024

/** Holds keys and signs with them, each as its constraints allow. */
export class Agent {
  readonly options: AgentOptions
  readonly clock: Clock
  readonly keys: KeyStore
  readonly lock: AgentLock
  readonly #certificates = new WeakMap<Uint8Array, Certificate | undefined>()
  #asked: Promise<unknown> = Promise.resolve()

  constructor(options: AgentOptions) {
    this.options = options
    this.clock = options.clock ?? systemClock
    this.keys = new KeyStore(this.clock, options.maximumKeys ?? usualMaximumKeys)
    this.lock = new AgentLock(options.crypto, this.clock)
  }

  /** The keys as they are listed on this machine, whether or not the agent is locked. */
  list(): readonly { readonly publicKey: PublicKey; readonly comment: string }[] {
    return this.keys.all().map(({ publicKey, comment }) => ({ publicKey, comment }))
  }

  /**
   * Holds a key. False when there are too many. Throws `KeyFormatError` for a key that cannot sign, and `WireError` for
   * a certificate that cannot be read.
   */
  add(identity: AgentIdentity, comment: string, constraints: KeyConstraints = {}): boolean {
    return this.keys.put(this.#heldKey(identity, comment, constraints, () => {}))
  }

  /** As `add`, with a key that is nobody else's: what is secret of it is overwritten when it is forgotten. */
  take(identity: AgentIdentity, comment: string, constraints: KeyConstraints): boolean {
    const forget = (): void => overwriteSecrets(identity.key.revealNumbers())
    try {
      return this.keys.put(this.#heldKey(identity, comment, constraints, forget))
    } catch (error) {
      forget()
      throw error
    }
  }

  /** Asks the person whether a key may be used. One question at a time: who sends a hundred must not cover the screen. */
  confirm(use: KeyUse): Promise<boolean> {
    const turn = this.#asked.then(() => this.options.confirm?.(use) ?? false)
    this.#asked = turn.catch(() => {})
    return turn
  }

  /** Forgets all keys at once. */
  removeAll(): void {
    this.keys.clear()
  }

  /** For the log. Texts in it are escaped by whoever calls. */
  note(text: string): void {
    try {
      this.options.onNote?.(text)
    } catch {
      // A log that fails is no reason to give up the keys; there is nobody to tell.
    }
  }

  /** See `HostCertificateCheck`. */
  readonly certifies: HostCertificateCheck = (hostKey, authority, name) => {
    try {
      const certificate = this.#certificateOf(hostKey)
      if (certificate === undefined || !certificate.signatureKey.equals(authority)) return false
      const time = this.options.now?.() ?? Date.now()
      return checkCertificate(this.options.crypto, certificate, { kind: 'host', name: name.toLowerCase(), time }).is === 'valid'
    } catch (error) {
      if (error instanceof SshError) return false
      throw error
    }
  }

  /** The certificate a server showed, if it is one. Read once: a key may name thousands of authorities it could be of. */
  #certificateOf(hostKey: Uint8Array): Certificate | undefined {
    const known = this.#certificates.get(hostKey)
    if (known !== undefined || this.#certificates.has(hostKey)) return known
    this.#certificates.set(hostKey, undefined)
    const certificate = isCertificateType(new Reader(hostKey).text()) ? parseCertificate(hostKey) : undefined
    this.#certificates.set(hostKey, certificate)
    return certificate
  }

  /** True when the server with this key signed the session identifier. */
  proves(hostKey: Uint8Array, sessionId: Uint8Array, signature: Uint8Array): boolean {
    try {
      const certified = isCertificateType(new Reader(hostKey).text())
      return verifySignature(
        this.options.crypto,
        { signatures: signatureAlgorithms, keyTypes },
        {
          publicKey: certified ? parseCertificate(hostKey).key.blob : hostKey,
          algorithm: signatureBlobName(signature),
          data: sessionId,
          signature,
          minimumRsaBits: leastRsaBits,
        },
      )
    } catch (error) {
      if (error instanceof SshError) return false
      throw error
    }
  }

  /** True when a security key of this application signs anything. */
  isWebsafe(application: string): boolean {
    return matchesPatternList(this.options.websafe ?? ['ssh:*'], application)
  }

  #heldKey(identity: AgentIdentity, comment: string, constraints: KeyConstraints, forget: () => void): HeldKey {
    const numbers = identity.key.revealNumbers()
    const lifetime = constraints.lifetime ?? this.options.lifetime
    const base = {
      publicKey: parsePublicKey(identityBlob(identity)).withComment(comment),
      comment,
      expires: lifetime === undefined ? undefined : this.clock.now() + lifetime * 1000,
      confirm: constraints.confirm === true,
      destinations: constraints.destinations ?? [],
      forget,
    }
    if (numbers.kind === 'sk-ed25519' || numbers.kind === 'sk-ecdsa') {
      const provider = constraints.skProvider
      return { ...base, securityKey: { numbers, provider }, sign: data => this.#signByToken(base, numbers, provider, data) }
    }
    const signer = createSigner(this.options.crypto, identity.key, 'agent', { minimumRsaBits: leastRsaBits })
    const isRsa = numbers.kind === 'rsa'
    return {
      ...base,
      securityKey: undefined,
      sign: (data, flags) => signer.sign(data, isRsa ? rsaAlgorithmOf(flags) : signer.algorithms[0]),
    }
  }

  #signByToken(
    { publicKey, comment }: Pick<HeldKey, 'publicKey' | 'comment'>,
    { application, flags, keyHandle }: NonNullable<HeldKey['securityKey']>['numbers'],
    provider: string | undefined,
    data: Uint8Array,
  ): Uint8Array | Promise<Uint8Array> {
    const sign = this.options.signBySecurityKey
    if (sign === undefined) throw new TypeError('no security key can be reached from here')
    return sign({ publicKey, comment, application, flags, keyHandle, provider, data })
  }
}

/** An agent that holds no keys yet. */
export const createAgent = (options: AgentOptions): Agent => new Agent(options)

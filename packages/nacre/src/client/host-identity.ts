// Owns which key of the host we are on vouches for us next (RFC 4252 §9), and by which algorithm. Knows nothing of files and
// helpers: signers are given to it.
import type { Credential, CredentialQuestion } from '../auth/questions.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import type { FingerprintHash } from '../keys/fingerprint.ts'
import { plainTypeOf } from '../keys/certificate-names.ts'
import type { Signer } from '../keys/signer.ts'

/** The host we are on, which vouches for us. */
export interface HostIdentity {
  /** Its name, as the server knows it: the canonical one. */
  readonly host: string
  /** Our name here. */
  readonly user: string
  /** Its keys, or certificates. */
  readonly signers: readonly Signer[]
  /** Signature algorithms in the order they are tried. Default: those of the keys, in their order, that are not insecure. */
  readonly algorithms?: readonly string[]
}

/** What is known of the connection that a host vouches on; what a helper looks at. */
export type ReachedBy = Pick<ByteTransport, 'remote' | 'descriptor'>

export type HostIdentitySource = HostIdentity | ((by?: ReachedBy) => HostIdentity | undefined | Promise<HostIdentity | undefined>)

/** A server compares names that end with a dot with those that do not; OpenSSH's helper signs no other. */
const dotted = (host: string): string => (host.endsWith('.') ? host : `${host}.`)

/** Each key once, by the first algorithm in the list that it can sign with and the server takes. */
export class HostKeysInTurn {
  readonly #identity: HostIdentity
  readonly #left: { readonly signer: Signer; readonly algorithms: readonly string[] }[]
  readonly #skipped: AuthenticationAttempt[]
  readonly #hash: FingerprintHash | undefined

  /** `mayUse` says which algorithms count where the identity has no list; `skipped` is told of keys that are not used. */
  constructor(
    identity: HostIdentity,
    mayUse: (algorithm: string) => boolean,
    skipped: AuthenticationAttempt[],
    hash: FingerprintHash | undefined,
  ) {
    this.#hash = hash
    this.#identity = identity
    this.#skipped = skipped
    const { algorithms } = identity
    const usable = identity.signers.map(signer => ({
      signer,
      algorithms: algorithms === undefined ? signer.algorithms.filter(mayUse) : algorithms.filter(each => signer.algorithms.includes(each)),
    }))
    // As OpenSSH: what stands first in the list is tried first, whichever key it takes.
    const rank = (of: readonly string[]): number => (algorithms === undefined ? 0 : algorithms.indexOf(of[0] ?? ''))
    this.#left = usable.toSorted((one, other) => rank(one.algorithms) - rank(other.algorithms))
  }

  next(question: CredentialQuestion): Extract<Credential, { method: 'hostbased' }> | undefined {
    const { host, user } = this.#identity
    for (let next = this.#left.shift(); next !== undefined; next = this.#left.shift()) {
      const { signer, algorithms } = next
      const algorithm = chosen(algorithms, question.serverSignatureAlgorithms)
      const fingerprint = signer.publicKey.fingerprint(this.#hash)
      if (algorithm === undefined) {
        const note = `we use none of ${signer.algorithms.join(', ')} (HostbasedAcceptedAlgorithms)`
        this.#skipped.push({
          method: 'hostbased',
          outcome: 'skipped',
          remaining: question.remaining ?? [],
          note,
          fingerprint,
          source: signer.source,
        })
        continue
      }
      return {
        method: 'hostbased',
        publicKey: signer.publicKey.blob,
        algorithm,
        fingerprint,
        source: signer.source,
        clientHost: dotted(host),
        clientUser: user,
        sign: (data, name) => signer.sign(data, name),
      }
    }
    return undefined
  }
}

/** Its list (RFC 8308 §3.1) is of users' signatures, so it only chooses between several that a host could make. */
const chosen = (algorithms: readonly string[], accepted: readonly string[] | undefined): string | undefined =>
  algorithms.find(each => accepted === undefined || accepted.includes(each) || accepted.includes(plainTypeOf(each))) ?? algorithms[0]

// Owns the authenticator for keys. Knows nothing of authorized_keys files: those are checks like any other.
// Signatures were verified before it is asked about a proof.
import type { SecurityKeyProof } from '../../algorithms/rows.ts'
import { blobType } from '../../auth/signature-names.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'
import { whenThere } from '../../io/soon.ts'
import { isCertificateType } from '../../keys/certificate-names.ts'
import { type Accepted, answerOf } from './outcome.ts'

/** A key somebody wants to log in with. */
export interface PublicKeyView {
  /** The type in the key, e.g. `ssh-rsa` or `ssh-ed25519-cert-v01@openssh.com`. */
  readonly type: string
  /** The signature algorithm of the request, e.g. `rsa-sha2-512`. */
  readonly algorithm: string
  /** The whole public key blob (RFC 4253 §6.6). */
  readonly blob: Uint8Array
  /**
   * What a security key said beside its signature: touch, PIN, counter. `undefined` for other keys, and while the key is only
   * offered.
   */
  readonly securityKey: SecurityKeyProof | undefined
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  fingerprint(): string
}

/** Says who a key belongs to, or something falsy when it may not log in as this user. */
export type PublicKeyCheck<Result> = (applicant: Applicant, key: PublicKeyView) => Result | Promise<Result>

export interface PublicKeyOptions {
  /**
   * Whether a proof by a security key counts that nobody touched for it: `required`, the default, or `left-to-the-check`,
   * which looks at `securityKey` itself.
   */
  readonly touch?: 'required' | 'left-to-the-check'
  /**
   * Whether the check is asked about certificates: not by default, since one that only compares keys would overlook who
   * certified what until when. For those see `trustedCertificates`.
   */
  readonly certificates?: 'refused' | 'left-to-the-check'
}

/**
 * Lets in by key. The check is asked when a client offers a key and again once it has proven to hold it; what it
 * returns the first time is never used as an identity.
 */
export const publicKey = <Result>(
  check: PublicKeyCheck<Result>,
  { touch = 'required', certificates = 'refused' }: PublicKeyOptions = {},
): Authenticator<Accepted<Result>> => ({
  methods: ['publickey'],
  begin: applicant => ({
    remaining: () => ['publickey'],
    attempt(attempt) {
      if (attempt.method !== 'publickey') return { is: 'refuse' }
      const { publicKey: blob, algorithm, proven, securityKey } = attempt
      if (touch === 'required' && securityKey?.userPresent === false) return { is: 'refuse' }
      const type = blobType(blob)
      if (certificates === 'refused' && isCertificateType(type)) return { is: 'refuse' }
      const result = check(applicant, { type, algorithm, blob, securityKey, fingerprint: () => attempt.fingerprint })
      return whenThere<Awaited<Result>, Answer<Accepted<Result>>>(result as Awaited<Result> | Promise<Awaited<Result>>, found => {
        const answer = answerOf<Result>(found)
        return answer.is === 'accept' && !proven ? { is: 'would-accept' } : answer
      })
    },
  }),
})

// Owns the authenticator for users their hosts vouch for (RFC 4252 §9). Knows nothing of known_hosts and .shosts files: those
// are checks like any other. That the host holds its key was verified before it is asked.
import { blobType } from '../../auth/signature-names.ts'
import { whenThere } from '../../io/soon.ts'
import { isCertificateType } from '../../keys/certificate-names.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'
import { type Accepted, answerOf } from './outcome.ts'

/** A host that vouches for one of its users. Whether it is the host it says is for the check: compare the key with what is known. */
export interface HostClaim {
  /** The host's name as the client says it, in lower case and without a dot at the end. Anybody can say any name. */
  readonly host: string
  /** The user's name on that host, as the host says it. */
  readonly user: string
  /** The type in the key, e.g. `ssh-ed25519`. */
  readonly type: string
  /** The signature algorithm, e.g. `rsa-sha2-512`. */
  readonly algorithm: string
  /** The whole public key blob of the host (RFC 4253 §6.6). */
  readonly blob: Uint8Array
  /** `SHA256:…` of the key. */
  fingerprint(): string
}

/** Says who the host's user is here, or something falsy when nobody who may log in as `applicant.user`. */
export type HostBasedCheck<Result> = (applicant: Applicant, claim: HostClaim) => Result | Promise<Result>

export interface HostBasedOptions {
  /** Whether the check is asked about hosts that show certificates; one that only compares keys would overlook what they say. */
  readonly certificates?: 'refused' | 'left-to-the-check'
}

/**
 * Lets in users of other hosts by the word of the host. The check must find the key among those known of the host `claim.host`,
 * and decide whether `claim.user` of that host may log in as `applicant.user`: names alone prove nothing.
 */
export const hostBased = <Result>(
  check: HostBasedCheck<Result>,
  { certificates = 'refused' }: HostBasedOptions = {},
): Authenticator<Accepted<Result>> => ({
  methods: ['hostbased'],
  begin: applicant => ({
    remaining: () => ['hostbased'],
    attempt(attempt) {
      if (attempt.method !== 'hostbased') return { is: 'refuse' }
      const { publicKey: blob, algorithm, fingerprint, clientHost, clientUser: user } = attempt
      const type = blobType(blob)
      if (certificates === 'refused' && isCertificateType(type)) return { is: 'refuse' }
      const host = clientHost.replace(/\.$/, '').toLowerCase()
      const result = check(applicant, { host, user, type, algorithm, blob, fingerprint: () => fingerprint })
      return whenThere<Awaited<Result>, Answer<Accepted<Result>>>(result as Awaited<Result> | Promise<Awaited<Result>>, answerOf<Result>)
    },
  }),
})

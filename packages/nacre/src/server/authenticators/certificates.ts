// Owns the authenticator for user certificates: whom an authority vouches for gets in, within the limits the certificate
// has. Knows nothing of files; signatures of the proof were verified before it is asked about one.
import { blobType } from '../../auth/signature-names.ts'
import type { CryptoProvider } from '../../crypto/provider.ts'
import { SshError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import { type Certificate, isCertificateType, parseCertificate } from '../../keys/certificate.ts'
import { checkCertificate, type CertificateRefusal } from '../../keys/certificate-check.ts'
import { bothOptions, type CertificateLimits } from '../../keys/certificate-options.ts'
import type { KeyOptions } from '../../keys/key-options.ts'
import type { PublicKey } from '../../keys/public.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'

type Maybe<T> = T | Promise<T>

export interface TrustedCertificatesOptions {
  /** The authorities' public keys. A function is asked anew for each certificate. */
  readonly authorities: readonly PublicKey[] | (() => Maybe<readonly PublicKey[]>)
  /** The names a certificate may list to get in as this user; one is enough. Default: the user name alone. */
  readonly principals?: (applicant: Applicant) => Maybe<readonly string[]>
  /** True for a certificate that was revoked; by a `KeyRevocationList`, say. */
  readonly revoked?: (certificate: Certificate) => Maybe<boolean>
  /** The algorithms authorities may sign with. Default: all that are not insecure. */
  readonly signatureAlgorithms?: readonly string[]
  /** Authorities with RSA keys below this are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /** What holds beside the certificate's own limits. Default: nothing more. */
  readonly limits?: KeyOptions
  /** Told why a certificate of a trusted authority was refused; for the log. */
  readonly onRefused?: (refusal: CertificateRefusal, certificate: Certificate, applicant: Applicant) => void
}

/** Who came in by a certificate, and what may be done with it. */
export interface CertifiedLogin {
  readonly certificate: Certificate
  /** Carry these out: `command` runs instead of all else, `may` says what is allowed. See `withinLimits`. */
  readonly limits: KeyOptions
}

const read = (blob: Uint8Array): Certificate | undefined => {
  try {
    return parseCertificate(blob)
  } catch (error) {
    if (error instanceof SshError) return undefined
    throw error
  }
}

interface Shown {
  readonly applicant: Applicant
  readonly certificate: Certificate
  /** What a security key said, once something is proven. */
  readonly touch: { readonly userPresent: boolean; readonly userVerified: boolean } | undefined
}

class Trust {
  readonly #crypto: CryptoProvider
  readonly #options: TrustedCertificatesOptions

  constructor(crypto: CryptoProvider, options: TrustedCertificatesOptions) {
    this.#crypto = crypto
    this.#options = options
  }

  /** At once, where nothing that is asked takes time. */
  judge(shown: Shown): Maybe<CertifiedLogin | undefined> {
    const { authorities, revoked, principals } = this.#options
    const { certificate, applicant } = shown
    return whenThere(typeof authorities === 'function' ? authorities() : authorities, trusted => {
      if (!trusted.some(each => each.equals(certificate.signatureKey))) return undefined
      return whenThere(revoked?.(certificate) ?? false, gone => {
        if (gone) return undefined
        return whenThere(principals?.(applicant) ?? [applicant.user], names => this.#within(shown, names))
      })
    })
  }

  #within({ applicant, certificate, touch }: Shown, names: readonly string[]): CertifiedLogin | undefined {
    const { signatureAlgorithms, minimumRsaBits, limits: more, now, onRefused } = this.#options
    const verdict = checkCertificate(this.#crypto, certificate, {
      kind: 'user',
      name: names,
      time: now?.() ?? Date.now(),
      address: applicant.remote?.address,
      ...(signatureAlgorithms === undefined ? {} : { signatureAlgorithms }),
      ...(minimumRsaBits === undefined ? {} : { minimumRsaBits }),
    })
    if (verdict.is === 'refused') {
      onRefused?.(verdict, certificate, applicant)
      return undefined
    }
    const { options } = verdict.limits as CertificateLimits
    const limits = more === undefined ? options : bothOptions(more, options)
    if (typeof limits === 'string' || !touchedEnough(limits, touch)) return undefined
    return { certificate, limits }
  }
}

/** A key that was only offered has yet to be touched. */
const touchedEnough = (limits: KeyOptions, touch: Shown['touch']): boolean =>
  touch === undefined || ((touch.userPresent || limits.noTouchRequired) && (touch.userVerified || !limits.verifyRequired))

/**
 * Lets in whoever has a user certificate of one of these authorities, valid now, for this user and from this address. The
 * identity is what the certificate says, from the proof only. A certificate without principals is nobody's, and one with a
 * critical option that is not known is refused. Plain keys are for `publicKey`: `firstOf(trustedCertificates(…), publicKey(…))`.
 */
export const trustedCertificates = (crypto: CryptoProvider, options: TrustedCertificatesOptions): Authenticator<CertifiedLogin> => {
  const trust = new Trust(crypto, options)
  return {
    methods: ['publickey'],
    begin: applicant => ({
      remaining: () => ['publickey'],
      attempt(attempt) {
        if (attempt.method !== 'publickey' || !isCertificateType(blobType(attempt.publicKey))) return { is: 'refuse' }
        const certificate = read(attempt.publicKey)
        if (certificate === undefined) return { is: 'refuse' }
        const { proven, securityKey: touch } = attempt
        return whenThere<CertifiedLogin | undefined, Answer<CertifiedLogin>>(trust.judge({ applicant, certificate, touch }), login =>
          login === undefined ? { is: 'refuse' } : proven ? { is: 'accept', identity: login } : { is: 'would-accept' },
        )
      },
    }),
  }
}

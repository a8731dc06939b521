// Owns what is added to a login that failed: why keys were not used, and what is wrong with certificates as far as we can see.
// Knows nothing of where either came from, and decides nothing: the server did.
import type { CredentialQuestion } from '../auth/questions.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import type { AuthenticationAttempt } from '../errors.ts'
import { whenThere } from '../io/soon.ts'
import { isCertificateType, parseCertificate } from '../keys/certificate.ts'
import { checkCertificate, namedCertificate } from '../keys/certificate-check.ts'
import type { Signer } from '../keys/signer.ts'
import type { LateSigners } from './identities.ts'
import type { Identities } from './policy.ts'

/** What is wrong with a refused certificate. The server sees more than we do: which authorities it trusts, and our address. */
const doubtAbout = ({ publicKey }: Signer, user: string): string => {
  const certificate = parseCertificate(publicKey.blob)
  const verdict = checkCertificate(nodeCrypto(), certificate, { kind: 'user', name: user, time: Date.now() })
  const named = namedCertificate(certificate)
  if (verdict.is === 'refused' && verdict.reason === 'source-address')
    return `${named} is for some addresses only (source-address): is ours one of them, as the server sees it?`
  if (verdict.is === 'refused') return verdict.message
  return `${named} looks right from here: does the server trust that authority and its kind of signature (TrustedUserCAKeys, CASignatureAlgorithms), and one of the principals (AuthorizedPrincipalsFile), and has it revoked none of this (RevokedKeys)?`
}

/** Collects what may be the reason that nobody is let in. */
export class Doubts {
  readonly #notes = new Set<string>()
  readonly #certified = new Map<string, Signer>()

  /** A key or an agent is not used. */
  note(text: string): void {
    this.#notes.add(text)
  }

  /** These are offered. */
  offered(signers: readonly (Signer | LateSigners)[]): void {
    for (const signer of signers)
      if (typeof signer !== 'function' && isCertificateType(signer.publicKey.type)) this.#certified.set(signer.source, signer)
  }

  #all({ attempts, user }: CredentialQuestion): readonly string[] {
    const refused = attempts.flatMap(({ method, outcome, source = '' }) =>
      method === 'publickey' && outcome === 'refused' ? [this.#certified.get(source)] : [],
    )
    return [...this.#notes, ...refused.flatMap(signer => (signer === undefined ? [] : [doubtAbout(signer, user)]))]
  }

  /** The same identities, which tell of the doubts when they give up. */
  toldBy(identities: Identities): Identities {
    const attempt = (note: string): AuthenticationAttempt => ({ method: 'publickey', outcome: 'skipped', remaining: [], note })
    return {
      ...identities,
      next: question =>
        whenThere(identities.next(question), credential =>
          credential.method === 'give-up'
            ? { method: 'give-up', notes: [...credential.notes, ...this.#all(question).map(attempt)] }
            : credential,
        ),
    }
  }
}

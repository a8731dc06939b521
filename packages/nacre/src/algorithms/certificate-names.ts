// Owns the names around certificates: which types and algorithms are those of certificates, and the plain one of each.
// Knows nothing of what is in a certificate.
import type { Standing } from './rows.ts'

const suffix = '-cert-v01@openssh.com'
/** Plain names that end in `@openssh.com` themselves. */
const ownSuffix = /^((webauthn-)?sk-|ssh-mldsa)/

/** True for the types and signature algorithms of certificates: `ssh-ed25519-cert-v01@openssh.com`, … */
export const isCertificateType = (type: string): boolean => type.endsWith(suffix)

/** `ssh-ed25519` of `ssh-ed25519-cert-v01@openssh.com`. For names of types and of signature algorithms; a plain one is returned as it is. */
export const plainTypeOf = (type: string): string => {
  if (!isCertificateType(type)) return type
  const plain = type.slice(0, -suffix.length)
  return ownSuffix.test(plain) ? `${plain}@openssh.com` : plain
}

/** `ssh-ed25519-cert-v01@openssh.com` of `ssh-ed25519`; the opposite of `plainTypeOf`. */
export const certificateTypeOf = (type: string): string =>
  isCertificateType(type) ? type : `${type.endsWith('@openssh.com') ? type.slice(0, -'@openssh.com'.length) : type}${suffix}`

interface Named {
  readonly name: string
  readonly standing: Standing
}

const known = new WeakMap<readonly Named[], readonly Named[]>()

/** The same algorithms with those of certificates in front, as OpenSSH prefers them. DSA has none. The same array for the same rows. */
export const withCertificates = (rows: readonly Named[]): readonly Named[] => {
  const found = known.get(rows)
  if (found !== undefined) return found
  const all = Object.freeze([
    ...rows.flatMap(({ name, standing }) => (name === 'ssh-dss' ? [] : [{ name: certificateTypeOf(name), standing }])),
    ...rows,
  ])
  known.set(rows, all)
  return all
}

// Owns what can be revoked, as values, and a list with more of it. Knows nothing of bytes, nor of the text people write.
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { RevocationListError } from '../../errors.ts'
import { type Certificate, parseCertificate } from '../certificate.ts'
import { isCertificateType } from '../certificate-names.ts'
import type { PublicKey } from '../public.ts'
import { KrlDraft } from './draft.ts'
import type { KeyRevocationList } from './krl.ts'

/** One entry to add to a list. `authority: undefined` means certificates of any. */
export type Revocation =
  /** Serials `from` to `to`, both included; 0 is none. */
  | { readonly is: 'serials'; readonly authority: PublicKey | undefined; readonly from: bigint; readonly to: bigint }
  | { readonly is: 'key-id'; readonly authority: PublicKey | undefined; readonly keyId: string }
  /** The blob of a plain key; certificates of it are revoked with it, and certificates it made as an authority. */
  | { readonly is: 'key'; readonly blob: Uint8Array }
  | { readonly is: 'sha1'; readonly hash: Uint8Array }
  | { readonly is: 'sha256'; readonly hash: Uint8Array }

export interface KrlChange {
  readonly add?: readonly Revocation[]
  /** Seconds since 1970. Default: as it was. */
  readonly generated?: bigint
  /** Default: one more than before. */
  readonly version?: bigint
  /** Default: as it was. */
  readonly comment?: string
}

/** The plain key of a key, which is the key itself unless it is a certificate. */
export const plainKeyOf = (key: PublicKey | Certificate): PublicKey => {
  const certificate = certificateOf(key)
  return certificate === undefined ? (key as PublicKey) : certificate.key
}

/** The certificate, if it is one, read or unread. Throws what `parseCertificate` throws. */
export const certificateOf = (key: PublicKey | Certificate): Certificate | undefined => {
  if ('signatureKey' in key) return key
  return isCertificateType(key.type) ? parseCertificate(key.blob) : undefined
}

/**
 * The shortest entry that revokes exactly this: a plain key by itself, a certificate by its serial, and one without a serial
 * by its key ID (which may be that of others too).
 */
export const revocationOf = (key: PublicKey | Certificate): Revocation => {
  const certificate = certificateOf(key)
  if (certificate === undefined) return { is: 'key', blob: key.blob }
  const { serial, keyId, signatureKey: authority } = certificate
  return serial === 0n ? { is: 'key-id', authority, keyId } : { is: 'serials', authority, from: serial, to: serial }
}

/** An entry by the hash of the plain key. */
export const revocationByHash = (key: PublicKey | Certificate, hash: 'sha1' | 'sha256'): Revocation => {
  const { blob } = plainKeyOf(key)
  return { is: hash, hash: hash === 'sha1' ? sha1(blob) : sha256(blob) }
}

const utf8 = new TextEncoder()

/** Text as C has it, which ends at a zero byte. */
const whole = (text: string, what: string): string => {
  if (text.includes('\0')) throw new RevocationListError('KRL_ENTRY', `A ${what} of a revocation list cannot have a zero byte.`)
  return text
}

const add = (draft: KrlDraft, entry: Revocation): void => {
  switch (entry.is) {
    case 'serials':
      return draft.of(entry.authority).serials(entry.from, entry.to)
    case 'key-id':
      return draft.of(entry.authority).keyId(utf8.encode(whole(entry.keyId, 'key ID')))
    case 'key':
      return draft.key(entry.blob)
    case 'sha1':
      return draft.sha1(entry.hash)
    case 'sha256':
      return draft.sha256(entry.hash)
  }
}

/**
 * The list with more in it; of what is there nothing goes. Throws `RevocationListError`: KRL_ENTRY for an entry that cannot be,
 * KRL_TOO_LARGE above the ceiling.
 */
export const reviseKrl = (list: KeyRevocationList, change: KrlChange): KeyRevocationList => {
  const draft = new KrlDraft()
  draft.addAll(list)
  for (const entry of change.add ?? []) add(draft, entry)
  return draft.finish({
    version: change.version ?? list.version + 1n,
    generated: change.generated ?? list.generated,
    flags: list.flags,
    comment: whole(change.comment ?? list.comment, 'comment'),
  })
}

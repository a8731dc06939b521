// Owns the whole question about a signed file: is the signature right, is its key revoked, and may it sign for that person.
// Knows nothing of files on disks.
import type { CryptoProvider } from '../crypto/provider.ts'
import { type AllowedSigner, type AllowedSignersFile, checkSigner } from './allowed-signers.ts'
import { isRevoked, type KeyRevocationList, type Revoked, type RevokedKeyList } from './krl/index.ts'
import {
  parseSignatureFile,
  type RightSignature,
  type SignatureFile,
  type SignatureRefusal,
  type SignedData,
  verifyFile,
  type VerifyFileOptions,
} from './signature-file.ts'

export interface VerifySignedOptions extends VerifyFileOptions {
  /** Who is said to have signed. */
  readonly principal: string
  readonly allowedSigners: AllowedSignersFile
  /** Keys and certificates that may not have signed. Default: none. */
  readonly revoked?: KeyRevocationList | RevokedKeyList
  /** When the signature was made, if that is known from elsewhere, or else `Date.now()`: milliseconds since 1970. */
  readonly time: number
}

export type SignedFileVerdict =
  | (RightSignature & { readonly entry: AllowedSigner })
  | SignatureRefusal
  | { readonly is: 'wrong'; readonly reason: 'revoked'; readonly message: string; readonly revoked: Revoked }
  /** The signature is right, but by a key that may not sign this for that person. */
  | { readonly is: 'wrong'; readonly reason: 'signer'; readonly message: string }

/**
 * Whether somebody signed the data: `ssh-keygen -Y verify`. Everything that does not fit is an answer with a sentence. Throws
 * `SignatureFileError` for what is no signature file, and what the data throws.
 */
export const verifySignedFile = async (
  crypto: CryptoProvider,
  data: SignedData,
  file: SignatureFile | string | Uint8Array,
  options: VerifySignedOptions,
): Promise<SignedFileVerdict> => {
  const signature = typeof file === 'string' || file instanceof Uint8Array ? parseSignatureFile(file) : file
  const right = await verifyFile(crypto, data, signature, options)
  if (right.is === 'wrong') return right
  const revoked = options.revoked === undefined ? undefined : isRevoked(options.revoked, right.certificate ?? right.key)
  if (revoked !== undefined) return { is: 'wrong', reason: 'revoked', message: revoked.reason, revoked }
  const verdict = checkSigner(crypto, options.allowedSigners, right.key, {
    principal: options.principal,
    namespace: options.namespace,
    time: options.time,
    ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
  })
  if (verdict.is === 'allowed') return { ...right, entry: verdict.entry }
  const { path } = options.allowedSigners
  const [first] = verdict.problems
  const message =
    first === undefined
      ? `The signature is right, but by the key ${right.key.fingerprint()}, which ${path} does not have.`
      : `The signature is right, but ${path} does not allow it: ${verdict.problems.map(each => `line ${each.line}: ${each.problem}`).join('; ')}.`
  return { is: 'wrong', reason: 'signer', message }
}

// Owns what sshd demands of a security key beside its signature, by the line or certificate that let the key in and by
// PubkeyAuthOptions. Knows nothing of signatures.
import type { SecurityKeyProof } from 'nacre/algorithms'
import type { ServerConfig } from 'nacre/config'
import type { KeyOptions } from 'nacre/keys'

/**
 * What a security key should have asked of its person and did not, in words; `undefined` when all is well, when the key lies in
 * no security key, and while it is only offered: just a proof says.
 */
export const touchProblem = (
  proof: SecurityKeyProof | undefined,
  options: Pick<KeyOptions, 'noTouchRequired' | 'verifyRequired'>,
  demands: ServerConfig['pubkeyAuthOptions'],
): string | undefined => {
  if (proof === undefined) return undefined
  const always = demands.includes('touch-required')
  if (!proof.userPresent && (always || !options.noTouchRequired)) {
    return always
      ? 'nobody touched the security key, and PubkeyAuthOptions asks for it'
      : 'nobody touched the security key, and no-touch-required does not stand with it'
  }
  const everybody = demands.includes('verify-required')
  if (proof.userVerified || !(everybody || options.verifyRequired)) return undefined
  return `the security key did not verify who used it (PIN, finger), and ${everybody ? 'PubkeyAuthOptions asks for it' : 'verify-required stands with it'}`
}

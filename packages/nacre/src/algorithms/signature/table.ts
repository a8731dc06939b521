// Owns the order of the signature algorithms and the key types we know: strongest and cheapest first, insecure last.
// Knows nothing of negotiation, and who may use the insecure rows is decided by those who choose from this table.
import type { KeyType, SignatureAlgorithm } from '../rows.ts'
import { dsaKey, insecureSshDss } from './dsa.ts'
import { ecdsaNistp256, ecdsaNistp256Key, ecdsaNistp384, ecdsaNistp384Key, ecdsaNistp521, ecdsaNistp521Key } from './ecdsa.ts'
import { ed25519, ed25519Key } from './ed25519.ts'
import { mldsa44Ed25519, mldsa44Ed25519Key } from './mldsa44-ed25519.ts'
import { insecureSshRsa, rsaKey, rsaSha256, rsaSha512 } from './rsa.ts'
import { skEcdsaNistp256, skEcdsaNistp256Key, skEd25519, skEd25519Key, webauthnSkEcdsaNistp256 } from './security-key.ts'

export const signatureAlgorithms = [
  ed25519,
  ecdsaNistp256,
  ecdsaNistp384,
  ecdsaNistp521,
  skEd25519,
  skEcdsaNistp256,
  webauthnSkEcdsaNistp256,
  rsaSha512,
  rsaSha256,
  mldsa44Ed25519,
  insecureSshRsa,
  insecureSshDss,
] as const satisfies readonly SignatureAlgorithm[]

export const keyTypes = [
  ed25519Key,
  ecdsaNistp256Key,
  ecdsaNistp384Key,
  ecdsaNistp521Key,
  skEd25519Key,
  skEcdsaNistp256Key,
  mldsa44Ed25519Key,
  rsaKey,
  dsaKey,
] as const satisfies readonly KeyType[]

/**
 * Names of the signature algorithms a key of `type` can make in a file, a token or an agent, strongest first. For a type we
 * do not know: its own name.
 */
export const algorithmsOfKeyType = (type: string): readonly string[] => {
  // Only a browser makes those, for pages and not for us.
  const names = signatureAlgorithms.filter(row => row.keyType === type && row !== webauthnSkEcdsaNistp256).map(row => row.name)
  return names.length === 0 ? [type] : names
}

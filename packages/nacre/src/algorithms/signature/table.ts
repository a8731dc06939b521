// Owns the order of the signature algorithms and the key types we know: strongest and cheapest first, insecure last.
// Knows nothing of negotiation, and who may use the insecure rows is decided by those who choose from this table.
import type { KeyType, SignatureAlgorithm } from '../rows.ts'
import { dsaKey, insecureSshDss } from './dsa.ts'
import { ecdsaNistp256, ecdsaNistp256Key, ecdsaNistp384, ecdsaNistp384Key, ecdsaNistp521, ecdsaNistp521Key } from './ecdsa.ts'
import { ed25519, ed25519Key } from './ed25519.ts'
import { insecureSshRsa, rsaKey, rsaSha256, rsaSha512 } from './rsa.ts'

export const signatureAlgorithms = [
  ed25519,
  ecdsaNistp256,
  ecdsaNistp384,
  ecdsaNistp521,
  rsaSha512,
  rsaSha256,
  insecureSshRsa,
  insecureSshDss,
] as const satisfies readonly SignatureAlgorithm[]

export const keyTypes = [
  ed25519Key,
  ecdsaNistp256Key,
  ecdsaNistp384Key,
  ecdsaNistp521Key,
  rsaKey,
  dsaKey,
] as const satisfies readonly KeyType[]

/** Names of the signature algorithms a key of `type` can make, strongest first. For a type we do not know: its own name. */
export const algorithmsOfKeyType = (type: string): readonly string[] => {
  const names = signatureAlgorithms.filter(row => row.keyType === type).map(row => row.name)
  return names.length === 0 ? [type] : names
}

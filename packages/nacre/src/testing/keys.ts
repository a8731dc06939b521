// Owns a key pair that everybody knows, for servers that tests start. Knows nothing of servers.
import type { CryptoProvider } from '../crypto/provider.ts'
import { PrivateKey } from '../keys/private.ts'
import { createSigner, type Signer } from '../keys/signer.ts'
import { decodeBase64 } from '../keys/base64.ts'

const publicKey = decodeBase64('6kpsY+KcUgq+9VB7Ey7F+ZVHdq6+vnuSQh7qaRRG0iw=') ?? new Uint8Array(0)

/** An Ed25519 host key whose private half stands in this file. Whoever trusts it trusts everybody. */
export const insecureTestHostKey = (crypto: CryptoProvider): Signer =>
  createSigner(crypto, new PrivateKey({ kind: 'ed25519', publicKey, seed: new Uint8Array(32).fill(7) }, 'nacre-test'), 'testing')

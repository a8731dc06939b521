// Owns saying that there are no spare primitives: Node's own suffice. `#spare-crypto` in package.json leads here, and to the
// web's provider in Bun and Deno, so that Node and bundles for it do not carry what they do not need.
import type { CryptoProvider } from '../provider.ts'

export const spareCrypto: CryptoProvider | undefined = undefined

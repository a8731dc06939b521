// Owns offering the web's primitives as spares for a runtime whose node:crypto is not Node's. Knows nothing of which.
import type { CryptoProvider } from '../provider.ts'
import { webCrypto } from './provider.ts'

export const spareCrypto: CryptoProvider | undefined = webCrypto()

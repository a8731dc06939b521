// The crypto providers there are, and in what they differ: the tests beside this file run over each. Not a test itself.
import { generateKeyNumbers as generateOnNode } from '../../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import type { CryptoProvider, KeyChoice, PlainPrivateNumbers } from '../../../src/crypto/provider.ts'
import { generateKeyNumbers as generateOnWeb } from '../../../src/crypto/web/generate.ts'
import { webCrypto } from '../../../src/crypto/web/provider.ts'
import { isNode } from '../../runtime.ts'

interface Tested {
  readonly crypto: CryptoProvider
  readonly generate: (choice: KeyChoice) => Promise<PlainPrivateNumbers>
  /** Large groups are computed off the caller's thread. */
  readonly pool: boolean
  /** What the provider says it cannot do. */
  readonly lacks: readonly string[]
}

// Bun and Deno bring node:crypto too, without OpenSSL behind it.
const all: readonly Tested[] = [
  { crypto: nodeCrypto({ native: false }), generate: generateOnNode, pool: isNode, lacks: isNode ? [] : ['dsa signing'] },
  // The same again where the accelerator is not built, and then left out below.
  { crypto: nodeCrypto(), generate: generateOnNode, pool: isNode, lacks: isNode ? [] : ['dsa signing'] },
  { crypto: webCrypto(), generate: generateOnWeb, pool: false, lacks: ['3des-cbc', 'dsa signing'] },
]

/** Each once: where there is no Node, the tests are built with the web's provider in its place. */
export const providers = all.filter(({ crypto }, i) => all.slice(i + 1).every(later => later.crypto.name !== crypto.name))

// Owns what clients and servers get where there is no Node: the web's crypto, the tables without what it lacks, one pool of
// buffers. Knows no sockets.
import { softwareTables } from '../algorithms/tables.ts'
import { insecureTripleDesCbc } from '../algorithms/cipher/triple-des-cbc.ts'
import { webCrypto } from '../crypto/web/provider.ts'
import type { Runtime } from '../engine/assemble.ts'
import { BufferPool } from '../transport/outgoing.ts'

let runtime: Runtime | undefined
/** Made once, on first use. ChaCha20 comes first, and 3des-cbc is not there. */
export const webRuntime = (): Runtime =>
  (runtime ??= {
    crypto: webCrypto(),
    tables: { ...softwareTables, ciphers: softwareTables.ciphers.filter(each => each !== insecureTripleDesCbc) },
    pool: new BufferPool(),
  })

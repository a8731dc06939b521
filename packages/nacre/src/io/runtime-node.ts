// Owns what Node brings along for clients and servers: its crypto, the tables, one pool of buffers for the process.
import { type AlgorithmTables, defaultTables, softwareTables } from '../algorithms/tables.ts'
import { hasMlKem } from '../crypto/node/agreement.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import type { Runtime } from '../engine/assemble.ts'
import { BufferPool } from '../transport/outgoing.ts'

/** What this Node, or what stands in for it, can do: no ML-KEM before 24.7; AES-GCM in Deno is slower than ChaCha20. */
const tables = (): AlgorithmTables => {
  if ('Deno' in globalThis) return softwareTables
  if ('Bun' in globalThis || hasMlKem()) return defaultTables
  return { ...defaultTables, kexMethods: defaultTables.kexMethods.filter(each => !each.name.startsWith('mlkem')) }
}

let runtime: Runtime | undefined
/** Made once, on first use. */
export const nodeRuntime = (): Runtime => (runtime ??= { crypto: nodeCrypto(), tables: tables(), pool: new BufferPool() })

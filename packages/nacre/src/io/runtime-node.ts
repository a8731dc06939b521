// Owns what Node brings along for clients and servers: its crypto, the tables, one pool of buffers for the process.
import { defaultTables } from '../algorithms/tables.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import type { Runtime } from '../engine/assemble.ts'
import { BufferPool } from '../transport/outgoing.ts'

let runtime: Runtime | undefined
/** Made once, on first use. */
export const nodeRuntime = (): Runtime => (runtime ??= { crypto: nodeCrypto(), tables: defaultTables, pool: new BufferPool() })

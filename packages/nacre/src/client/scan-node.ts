// Owns dialling a host for each of its keys, on Node. Knows nothing of what is asked then.
import { nodeRuntime } from '../io/runtime-node.ts'
import { dial } from './dial-node.ts'
import type { ShownHostKey } from './host-key.ts'
import { defaultScanTimeout, type HostKeysOptions, hostKeysOver } from './scan.ts'

export interface ScanOptions extends HostKeysOptions {
  readonly port?: number
  /** 4 or 6 to use only that; 0, the default, for whichever answers first. */
  readonly family?: 0 | 4 | 6
  /** Milliseconds until a connection must stand, then until the server must have named its version, then its key. Default 5 s. */
  readonly timeout?: number
}

const defaultPort = 22

/** The keys of the host at a name or address, over TCP: `hostKeysOver`, which throws what `dial` throws too. */
export const scanHostKeys = (host: string, options: ScanOptions): AsyncGenerator<ShownHostKey, void, undefined> => {
  const { port = defaultPort, family = 0, timeout = defaultScanTimeout, signal } = options
  const open = () => dial({ host, port, family, timeout, ...(signal === undefined ? {} : { signal }) })
  return hostKeysOver(open, options, nodeRuntime())
}

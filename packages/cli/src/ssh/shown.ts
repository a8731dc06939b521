// Owns what `ssh` prints without connecting: -G and -Q. Knows nothing of how it came to be.
import { dumpClientConfig } from 'nacre/config'
import { algorithmLists } from './algorithm-lists.ts'
import type { SshConfig } from './options.ts'

export { listAlgorithms } from './query.ts'

/** `-G`: the configuration for the host that was typed, a keyword a line. */
export const dumped = (settings: SshConfig, host: string): string => dumpClientConfig(settings.config, host, algorithmLists(settings))

// Owns the list of scenarios: one file each, one line here. Knows nothing of what they measure.
import type { Scenario } from './rig/scenario.ts'
import { agentList } from './scenarios/agent-list.ts'
import { bulkChaCha, bulkGcm } from './scenarios/bulk.ts'
import { channels } from './scenarios/channels.ts'
import { clients } from './scenarios/clients.ts'
import { command } from './scenarios/command.ts'
import { config } from './scenarios/config.ts'
import { encryptedKey } from './scenarios/encrypted-key.ts'
import { attributesPerSecond, listings, uploadMemory } from './scenarios/file-servers.ts'
import { farFiles, files } from './scenarios/files.ts'
import { forward } from './scenarios/forward.ts'
import { idle } from './scenarios/idle.ts'
import { keyscan } from './scenarios/keyscan.ts'
import { keystroke } from './scenarios/keystroke.ts'
import { session } from './scenarios/session.ts'
import { shared } from './scenarios/shared.ts'
import { smallFiles } from './scenarios/small-files.ts'
import { workers } from './scenarios/workers.ts'

export const scenarios: readonly Scenario[] = [
  bulkGcm,
  bulkChaCha,
  session,
  keystroke,
  idle,
  clients,
  channels,
  workers,
  command,
  files,
  farFiles,
  smallFiles,
  listings,
  attributesPerSecond,
  uploadMemory,
  encryptedKey,
  agentList,
  keyscan,
  config,
  forward,
  shared,
]

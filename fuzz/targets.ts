// Owns the table of what is fuzzed. A new target is a row in one of these lists.
import type { Target } from './rig/target.ts'
import { agentTargets } from './targets/agents.ts'
import { certificateTargets } from './targets/certificates.ts'
import { codecTargets } from './targets/codecs.ts'
import { engineTargets } from './targets/engines.ts'
import { fileTargets } from './targets/files.ts'
import { forwardTargets } from './targets/forwards.ts'
import { hostKeyTargets } from './targets/host-keys.ts'
import { keyTargets } from './targets/keys.ts'
import { layerTargets } from './targets/layers.ts'
import { loginTargets } from './targets/logins.ts'
import { securityKeyTargets } from './targets/security-keys.ts'
import { listTargets } from './targets/lists.ts'
import { sharingTargets } from './targets/sharing.ts'
import { sftpClientTargets } from './targets/sftp-client.ts'
import { sftpServerTargets } from './targets/sftp-server.ts'
import { x11Targets } from './targets/x11.ts'

export const targets: readonly Target[] = [
  ...engineTargets,
  ...codecTargets,
  ...layerTargets,
  ...keyTargets,
  ...agentTargets,
  ...securityKeyTargets,
  ...certificateTargets,
  ...fileTargets,
  ...hostKeyTargets,
  ...listTargets,
  ...loginTargets,
  ...sftpClientTargets,
  ...sftpServerTargets,
  ...x11Targets,
  ...sharingTargets,
  ...forwardTargets,
]

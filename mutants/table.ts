// The list of all planted faults.
import { agentMutants } from './agent.ts'
import { authenticationMutants } from './authentication.ts'
import { certificateMutants } from './certificates.ts'
import { connectionMutants } from './connection.ts'
import { configurationMutants } from './configuration.ts'
import { fileServerMutants } from './file-server.ts'
import { filesMutants } from './files.ts'
import { jumpMutants } from './jumps.ts'
import { forwardMutants } from './forwards.ts'
import { hostKeyMutants } from './host-keys.ts'
import { keyFileMutants } from './key-files.ts'
import { keyTypeMutants } from './key-types.ts'
import { lendingMutants } from './lending.ts'
import { listMutants } from './lists.ts'
import { loginMutants } from './logins.ts'
import type { Mutant } from './mutant.ts'
import { sharingMutants } from './sharing.ts'
import { servedForwardMutants } from './served-forwards.ts'
import { serverConfigurationMutants } from './server-configuration.ts'
import { transportMutants } from './transport.ts'
import { tunnelMutants } from './tunnels.ts'
import { vouchingMutants } from './vouching.ts'

export const mutants: readonly Mutant[] = [
  ...transportMutants,
  ...authenticationMutants,
  ...connectionMutants,
  ...agentMutants,
  ...filesMutants,
  ...fileServerMutants,
  ...listMutants,
  ...keyFileMutants,
  ...keyTypeMutants,
  ...certificateMutants,
  ...hostKeyMutants,
  ...configurationMutants,
  ...serverConfigurationMutants,
  ...jumpMutants,
  ...forwardMutants,
  ...servedForwardMutants,
  ...tunnelMutants,
  ...sharingMutants,
  ...vouchingMutants,
  ...lendingMutants,
  ...loginMutants,
]

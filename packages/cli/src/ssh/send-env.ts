// Owns which variables `ssh` sends along: those SendEnv names and those SetEnv sets. Knows nothing of what servers accept.
import { type ClientConfig, matchesWildcard } from 'nacre/config'
import type { Environment } from '../environment.ts'

export const sentEnvironment = (config: Pick<ClientConfig, 'sendEnv' | 'setEnv'>, environment: Environment): Record<string, string> => {
  const sent: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment.variables))
    if (value !== undefined && config.sendEnv.some(each => matchesWildcard(each, name))) sent[name] = value
  for (const [name, value] of config.setEnv) sent[name] = value
  return sent
}

// Owns which variables a session takes along: those SendEnv names and those SetEnv sets. Knows nothing of what servers accept.
import { matchesWildcard } from '../patterns.ts'
import type { ClientConfig } from './client-keywords.ts'

/** The variables of `variables` that SendEnv names, and those of SetEnv, which win. */
export const sentEnvironment = (
  config: Pick<ClientConfig, 'sendEnv' | 'setEnv'>,
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => {
  const sent: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables))
    if (value !== undefined && config.sendEnv.some(each => matchesWildcard(each, name))) sent[name] = value
  for (const [name, value] of config.setEnv) sent[name] = value
  return sent
}

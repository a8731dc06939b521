// Owns which variables `ssh` sends along: those SendEnv names and those SetEnv sets. Knows nothing of what servers accept.
import { type ClientConfig, matchesWildcard } from 'nacre/config'
import type { Environment } from '../environment.ts'

/** `-NAME` in SendEnv takes names out again, as in ssh_config(5). */
export const sentEnvironment = (config: Pick<ClientConfig, 'sendEnv' | 'setEnv'>, environment: Environment): Record<string, string> => {
  const wanted = config.sendEnv.filter(each => !each.startsWith('-'))
  const unwanted = config.sendEnv.filter(each => each.startsWith('-')).map(each => each.slice(1))
  const sent: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment.variables)) {
    if (value === undefined || unwanted.some(each => matchesWildcard(each, name))) continue
    if (wanted.some(each => matchesWildcard(each, name))) sent[name] = value
  }
  for (const [name, value] of config.setEnv) sent[name] = value
  return sent
}

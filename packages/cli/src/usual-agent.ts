// Owns which agent the commands use when nobody names one. Knows nothing of its keys.
import { type AgentClient, connectAgent } from 'nacre/agent'
import type { Environment } from './environment.ts'

/**
 * The agent at SSH_AUTH_SOCK; where that says nothing, on Windows, that of its OpenSSH or Pageant, and elsewhere none. Rejects with
 * `AgentError` when it does not answer.
 */
export const usualAgent = async (
  { variables }: Pick<Environment, 'variables'>,
  platform: string = process.platform,
): Promise<AgentClient | undefined> => {
  const path = variables.SSH_AUTH_SOCK
  if (path !== undefined && path !== '') return await connectAgent(path)
  return platform === 'win32' ? await connectAgent() : undefined
}

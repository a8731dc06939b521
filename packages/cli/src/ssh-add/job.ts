// Owns what the parts of `ssh-add` share: the agent, the settings, where lines go, and OpenSSH's words for what went wrong. Knows
// nothing of what is done.
import { AgentError, escapeForPeople, KeyFormatError } from 'nacre'
import type { AgentClient, Destination } from 'nacre/agent'
import type { Environment } from '../environment.ts'
import { logLine, systemText } from '../fatal.ts'
import type { SshAddSettings } from './options.ts'

export interface Job {
  readonly agent: AgentClient
  readonly settings: SshAddSettings
  readonly environment: Environment
  readonly destinations: readonly Destination[]
  /** The passphrase that opened the last file: the next one has the same, mostly. */
  lastPassphrase: string | undefined
}

/** A line on standard error. */
export const say = ({ environment }: Pick<Job, 'environment'>, text: string): void => void environment.stderr.write(`${text}\n`)

/** Text of files and agents, as it may be shown: everything a person can read, nothing that steers a terminal. */
export const shown = (text: string): string => escapeForPeople(text, { limit: 4096 }).replaceAll('\\\\', '\\')

const agentTexts: Readonly<Record<string, string>> = {
  AGENT_REFUSED: 'agent refused operation',
  AGENT_UNREACHABLE: 'communication with agent failed',
  AGENT_MALFORMED: 'invalid format',
}
const keyTexts: Readonly<Record<string, string>> = {
  KEY_MALFORMED: 'invalid format',
  KEY_FORMAT_UNKNOWN: 'invalid format',
  KEY_PASSPHRASE_WRONG: 'incorrect passphrase supplied to decrypt private key',
  KEY_PASSPHRASE_NEEDED: 'incorrect passphrase supplied to decrypt private key',
}

/** OpenSSH's words for what went wrong, where it has some; else ours. With -v, ours before them: they say more. */
export const reason = (error: unknown, { settings, environment }: Pick<Job, 'settings' | 'environment'>): string => {
  if (settings.verbose > 0 && error instanceof Error) logLine(environment, `debug1: ${escapeForPeople(error.message)}`)
  if (error instanceof AgentError) return agentTexts[error.code] ?? error.message
  if (error instanceof KeyFormatError) return keyTexts[error.code] ?? error.message
  return systemText(error)
}

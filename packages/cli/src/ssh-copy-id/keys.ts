// Owns which keys `ssh-copy-id` is about: those of the agent, the file of -i, or the newest public key of `~/.ssh`. Knows
// nothing of connections.
import { accessSync, constants, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { agentSigners } from 'nacre'
import { formatPublicKeyLine, type Signer } from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError, systemText } from '../fatal.ts'
import { usualAgent } from '../usual-agent.ts'
import type { CopyIdCall } from './options.ts'

/** One key to copy: its line, and what logs in with it when the agent has it. */
export interface OfferedKey {
  readonly line: string
  readonly signer: Signer | undefined
}

export interface KeySource {
  /** What people are told of where the keys come from. */
  readonly named: string
  readonly keys: readonly OfferedKey[]
  /** The private key file, unless nobody is to log in with it. */
  readonly privateFile: string | undefined
}

const failed = (text: string): FatalError => new FatalError(`ssh-copy-id: ERROR: ${text}`, 1)

/** The public key in `~/.ssh` that was changed last; certificates are none. */
const newestPublicKey = (environment: Environment): string | undefined => {
  const folder = join(environment.variables.HOME ?? '', '.ssh')
  try {
    return readdirSync(folder)
      .filter(name => name.startsWith('id') && name.endsWith('.pub') && !name.endsWith('-cert.pub'))
      .map(name => ({ path: join(folder, name), changed: statSync(join(folder, name)).mtimeMs }))
      .toSorted((left, right) => right.changed - left.changed || (left.path < right.path ? -1 : 1))
      .at(0)?.path
  } catch {
    return undefined
  }
}

const linesOf = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))

const fromFile = (named: string | undefined, force: boolean, agent: readonly OfferedKey[]): KeySource => {
  if (named === undefined) throw failed('no ID file found')
  const publicFile = named.endsWith('.pub') ? named : `${named}.pub`
  const privateFile = force ? undefined : publicFile.slice(0, -'.pub'.length)
  for (const file of [publicFile, ...(privateFile === undefined ? [] : [privateFile])]) {
    try {
      accessSync(file, constants.R_OK)
    } catch (error) {
      const how = file === privateFile ? `\n\t(to install the contents of '${publicFile}' anyway, look at the -f option)` : ''
      throw failed(`failed to open ID file '${file}': ${systemText(error)}${how}`)
    }
  }
  const sameKey = (one: string, other: string): boolean => one.split(/\s+/)[1] === other.split(/\s+/)[1]
  const keys = linesOf(readFileSync(publicFile, 'utf8')).map(line => ({
    line,
    signer: agent.find(each => sameKey(each.line, line))?.signer,
  }))
  return { named: `"${publicFile}"`, keys, privateFile }
}

/** The agent's keys; none when there is no agent. */
const fromAgent = async (environment: Environment): Promise<readonly OfferedKey[]> => {
  try {
    const agent = await usualAgent(environment)
    if (agent === undefined) return []
    const signers = await agentSigners(agent)
    return signers.map(signer => ({ line: formatPublicKeyLine(signer.publicKey), signer }))
  } catch {
    return []
  }
}

/** The keys of a call. Throws `FatalError` when there are none, or the file of -i cannot be read. */
export const keysFor = async (call: CopyIdCall, environment: Environment): Promise<KeySource> => {
  const newest = newestPublicKey(environment)
  const agent = await fromAgent(environment)
  if (call.identity !== undefined) return fromFile(call.identity.file ?? newest, call.force, agent)
  if (agent.length > 0) return { named: 'ssh-add -L', keys: agent, privateFile: undefined }
  if (newest === undefined) throw failed('No identities found')
  return fromFile(newest, call.force, agent)
}

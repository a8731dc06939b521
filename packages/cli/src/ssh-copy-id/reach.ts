// Owns how `ssh-copy-id` connects: as `ssh` with the same options would, to log in with one key only or with whatever does.
// Knows nothing of what is done then.
import { AuthenticationError, type ClientConnection, connect, fileSigner } from 'nacre'
import type { Environment } from '../environment.ts'
import { planConnection } from '../ssh/hops.ts'
import { Log } from '../ssh/log.ts'
import { readSshConfig } from '../ssh/config.ts'
import { readSshCommand } from '../ssh/options.ts'
import type { OfferedKey } from './keys.ts'
import type { CopyIdCall } from './options.ts'

const argumentsOf = (call: CopyIdCall, more: readonly string[]): readonly string[] => [
  '-a',
  '-x',
  ...more,
  ...(call.explain ? ['-v'] : []),
  ...(call.port === undefined ? [] : ['-p', call.port]),
  ...call.sshOptions.flatMap(({ letter, value }) => [`-${letter}`, value]),
  '--',
  call.host,
]

/** Where the host is and how to get in, as `ssh` with these words would have it. */
const planned = async (call: CopyIdCall, environment: Environment, signal: AbortSignal, words: readonly string[]) => {
  const command = readSshCommand(argumentsOf(call, words))
  const settings = await readSshConfig(command)
  const log = new Log(environment, settings.config.logLevel)
  for (const warning of settings.warnings) log.say('INFO', warning)
  return await planConnection(command, settings, environment, log, signal)
}

/** Logs in by whatever the person has. */
export const reachAnyhow = async (call: CopyIdCall, environment: Environment, signal: AbortSignal): Promise<ClientConnection> => {
  const { destination, options } = await planned(call, environment, signal, [])
  return await connect(destination, options)
}

/** True when the server lets us in with this key and nothing else. Throws for all that has nothing to do with keys. */
export const isInstalled = async (
  key: OfferedKey,
  privateFile: string | undefined,
  call: CopyIdCall,
  environment: Environment,
  signal: AbortSignal,
): Promise<boolean> => {
  const { destination, options } = await planned(call, environment, signal, ['-oLogLevel=ERROR'])
  const signer = key.signer ?? (privateFile === undefined ? undefined : await fileSigner(privateFile, options))
  try {
    await using connection = await connect(destination, { ...options, auth: { signers: signer === undefined ? [] : [signer] } })
    return connection.user !== ''
  } catch (error) {
    if (error instanceof AuthenticationError) return false
    throw error
  }
}

// Owns what `sshd -T` and `-G` print on this machine: the configuration as it holds for somebody, whole paths, the names algorithm
// lists come to. Knows nothing of serving.
import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { ConfigError } from 'nacre'
import { choose, ciphers, keyExchanges, macs, signatureAlgorithms } from 'nacre/algorithms'
import {
  BadValue,
  type ConnectionFacts,
  dumpServerConfig,
  type ParsedServerConfig,
  readConnectionSpec,
  type ServerConfig,
} from 'nacre/config'
import { authorityAlgorithms, usualAuthorityAlgorithms, withCertificates } from 'nacre/keys'
import type { Directory } from './eligible.ts'
import { systemKeys } from './host-keys.ts'

/** `-C` of the command line, any number of times. Throws `ConfigError`. */
export const connectionFacts = (specs: readonly string[]): ConnectionFacts => {
  try {
    return specs.reduce((facts, spec) => readConnectionSpec(spec, facts), {} as ConnectionFacts)
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    throw new ConfigError(`-C ${error.message}.`, {}, { cause: error })
  }
}

/** The facts with the groups of the account, where some block asks for them. */
export const withGroups = async (facts: ConnectionFacts, parsed: ParsedServerConfig, directory: Directory): Promise<ConnectionFacts> => {
  if (facts.user === undefined || !parsed.criteria.has('group')) return facts
  const account = await directory.account(facts.user)
  return account === undefined ? facts : { ...facts, groups: (await directory.groups?.(account)) ?? [] }
}

const wholePath = (path: string): string => (path === '~' || path.startsWith('~/') ? `${homedir()}${path.slice(1)}` : resolve(path))

/** The names each algorithm keyword comes to. */
const names = (config: ServerConfig): Partial<Record<keyof ServerConfig, readonly string[]>> => {
  const signatures = withCertificates(signatureAlgorithms)
  const { caSignatureAlgorithms: authorities } = config
  return {
    ciphers: choose('cipher', ciphers, config.ciphers),
    macs: choose('MAC', macs, config.macs),
    kexAlgorithms: choose('key exchange', keyExchanges, config.kexAlgorithms),
    caSignatureAlgorithms: authorities === undefined ? usualAuthorityAlgorithms : authorityAlgorithms(authorities),
    hostbasedAcceptedAlgorithms: choose('signature algorithm', signatures, config.hostbasedAcceptedAlgorithms),
    hostKeyAlgorithms: choose('signature algorithm', signatures, config.hostKeyAlgorithms),
    pubkeyAcceptedAlgorithms: choose('signature algorithm', signatures, config.pubkeyAcceptedAlgorithms),
  }
}

/** What is printed. Throws `ConfigError` for an algorithm nobody knows. */
export const dumpFor = ({ config }: ParsedServerConfig): string => {
  const chosen = names(config)
  return dumpServerConfig(config, {
    wholePath,
    names: property => chosen[property],
    everyListenAddress: true,
    usualHostKeys: systemKeys,
  })
}

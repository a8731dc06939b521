// Owns turning what ssh_config says into options of `connect`, and the questions a person is asked. Knows nothing of
// sessions.
import { hostname, userInfo } from 'node:os'
import { type ConfiguredOptions, type Destination, escapeForPeople } from 'nacre'
import { authorityAlgorithms } from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { canAskPerson } from '../terminal.ts'
import { type Log, narrate, traceTo } from './log.ts'
import { expandPath, expandTokens, type SshCommand, type SshConfig } from './options.ts'
import { askAboutHost, prompting, shownHost } from './questions.ts'

const milliseconds = (seconds: number): number => seconds * 1000

/** ssh_config knows `*` in no algorithm list but `-`; the library reads the same notation. */
const algorithms = (config: SshConfig['config']): NonNullable<ConfiguredOptions['algorithms']> => ({
  ...(config.kexAlgorithms === undefined ? {} : { kex: config.kexAlgorithms }),
  ...(config.hostKeyAlgorithms === undefined ? {} : { hostKey: config.hostKeyAlgorithms }),
  ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
  ...(config.macs === undefined ? {} : { macs: config.macs }),
  ...(config.pubkeyAcceptedAlgorithms === undefined ? {} : { publicKeyAccepted: config.pubkeyAcceptedAlgorithms }),
  compression: config.compression ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'],
})

const preferredMethods = (config: SshConfig['config']): readonly string[] =>
  (config.preferredAuthentications ?? ['publickey', 'keyboard-interactive', 'password']).filter(
    method =>
      (method === 'publickey' && config.pubkeyAuthentication) ||
      (method === 'keyboard-interactive' && config.kbdInteractiveAuthentication) ||
      (method === 'password' && config.passwordAuthentication),
  )

/** What `%h` and the like stand for in file names. */
const tokensFor = (config: SshConfig['config'], typed: string, host: string, user: string): Record<string, string> => ({
  d: userInfo().homedir,
  h: host,
  i: String(process.getuid?.() ?? ''),
  L: hostname().split('.')[0],
  l: hostname(),
  n: typed,
  p: String(config.port),
  r: user,
  u: userInfo().username,
})

type Expand = (path: string) => string

const agentPath = (config: SshConfig['config'], environment: Environment, expand: Expand): string | false => {
  if (config.identityAgent === 'none') return false
  if (config.identityAgent === undefined || config.identityAgent === 'SSH_AUTH_SOCK') return environment.variables.SSH_AUTH_SOCK ?? false
  return expand(config.identityAgent)
}

/** Which keys and passwords, in which order. */
const identities = (config: SshConfig['config'], environment: Environment, expand: Expand): ConfiguredOptions => ({
  preferred: preferredMethods(config),
  passwordPrompts: config.numberOfPasswordPrompts,
  agent: agentPath(config, environment, expand),
  identitiesOnly: config.identitiesOnly,
  ...(config.identityFile.length === 0 ? {} : { identityFiles: config.identityFile.map(expand) }),
  ...(config.certificateFile.length === 0 ? {} : { certificateFiles: config.certificateFile.filter(path => path !== 'none').map(expand) }),
})

/** Which hosts are trusted. */
const trust = (config: SshConfig['config'], interactive: boolean, log: Log, expand: Expand): ConfiguredOptions => ({
  knownHostsFiles: [...config.userKnownHostsFile, ...config.globalKnownHostsFile].filter(path => path !== 'none').map(expand),
  // `no` still refuses a key that changed: whoever wants that gone removes the line.
  strictHostKeyChecking: config.strictHostKeyChecking === 'yes' || config.strictHostKeyChecking === 'ask' ? 'yes' : 'accept-new',
  ...(config.strictHostKeyChecking === 'ask' && interactive ? { askHostKey: askAboutHost } : {}),
  hashKnownHosts: config.hashKnownHosts,
  ...(config.hostKeyAlias === undefined ? {} : { hostKeyAlias: config.hostKeyAlias }),
  ...(config.caSignatureAlgorithms === undefined ? {} : { authorityAlgorithms: authorityAlgorithms(config.caSignatureAlgorithms) }),
  ...(config.revokedHostKeys === 'none' ? {} : { revokedHostKeys: expand(config.revokedHostKeys) }),
  onRemembered: (presented, file) =>
    log.say('INFO', `Warning: Permanently added '${shownHost(presented)}' (${presented.key.type}) to ${file}.`),
})

/** How long to wait, how often to ask, how much under one key. */
const limits = ({ config, given }: SshConfig): ConfiguredOptions => {
  const alive = { milliseconds: milliseconds(config.serverAliveInterval), maximumUnanswered: config.serverAliveCountMax }
  const timeout = config.connectTimeout === 'none' ? undefined : milliseconds(config.connectTimeout)
  return {
    minimumRsaBits: config.requiredRsaSize,
    rekey: {
      ...(config.rekeyLimit.bytes === undefined ? {} : { bytes: config.rekeyLimit.bytes }),
      ...(config.rekeyLimit.seconds === undefined ? {} : { milliseconds: milliseconds(config.rekeyLimit.seconds) }),
    },
    ...(given.has('serverAliveInterval') ? { keepalive: alive.milliseconds === 0 ? false : alive } : {}),
    ...(timeout === undefined ? {} : { connectTimeout: timeout, deadlines: { handshake: timeout } }),
  }
}

/** Where to connect and with which options; `signal` ends it. */
export const connectOptions = (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): { destination: Destination; options: ConfiguredOptions } => {
  const { config } = settings
  const typed = command.destination?.host ?? ''
  const host = config.hostName === undefined ? typed : expandTokens(config.hostName, { h: typed })
  const user = config.user ?? userInfo().username
  const tokens = tokensFor(config, typed, host, user)
  const expand: Expand = path => expandPath(path, tokens)
  const interactive = !config.batchMode && canAskPerson()
  const trace = traceTo(log)
  const options: ConfiguredOptions = {
    user,
    port: config.port,
    signal,
    algorithms: algorithms(config),
    ...identities(config, environment, expand),
    ...trust(config, interactive, log, expand),
    ...limits(settings),
    family: config.addressFamily === 'inet' ? 4 : config.addressFamily === 'inet6' ? 6 : 0,
    ...(config.bindAddress === undefined ? {} : { localAddress: config.bindAddress }),
    keepAlive: config.tcpKeepAlive,
    onNote: note => log.debug(note),
    onBanner: message => log.say('INFO', escapeForPeople(message, { lines: true, limit: 65536 }).replace(/\n$/, '')),
    onProgress: event => narrate(log, event),
    ...(trace === undefined ? {} : { trace }),
    ...(interactive ? prompting(`${user}@${typed}`) : {}),
  }
  return { destination: { host, port: config.port, user }, options }
}

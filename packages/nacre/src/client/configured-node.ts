// Owns what the keywords of ssh_config say in the options of `connect`. Only what a configuration gave is said: the rest is
// left to the defaults. Knows nothing of files, nor of who is asked.
import { networkInterfaces } from 'node:os'
import { isAbsolute } from 'node:path'
import { usualAgents } from '../agent/openssh-node.ts'
import type { ClientSettings } from '../config/client-config.ts'
import type { JumpHost } from '../config/reach-kinds.ts'
import { channelTimes } from '../config/channel-times.ts'
import { readSeconds } from '../config/kinds.ts'
import { sentEnvironment } from '../config/sent-environment.ts'
import { expandTokens } from '../config/tokens.ts'
import { ConfigError } from '../errors.ts'
import { splitWords } from '../config/line.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { authorityAlgorithms } from '../keys/certificate-check.ts'
import { type FingerprintHash, fingerprintHashNamed } from '../keys/fingerprint.ts'
import type { CommonOptions } from '../engine/assemble.ts'
import type { IdleLimits } from '../io/idle-limits.ts'
import type { ForwardAgent } from './agent-forward.ts'
import type { Destination } from './destination.ts'
import { knownHostsCommand } from './known-hosts-command-node.ts'
import type { KnownHostsQuestion } from './known-hosts-options.ts'
import type { DialOptions } from './dial-node.ts'
import type { IpQuality } from './quality.ts'
import type { OpensshOptions } from './openssh-node.ts'

/** Options of `connect` that a configuration can give; `H` is what stands for a host on the way. */
export interface SaidOptions<H>
  extends CommonOptions, IdleLimits, OpensshOptions, Pick<DialOptions, 'family' | 'localAddress' | 'keepAlive'> {
  readonly connectTimeout?: number
  readonly connectionAttempts?: number
  readonly via?: readonly H[]
  readonly proxyCommand?: string
  readonly forwardAgent?: ForwardAgent
  readonly env?: Readonly<Record<string, string>>
  readonly ipQuality?: IpQuality
}
type Said = SaidOptions<never>

const milliseconds = (seconds: number): number => seconds * 1000
const leastRsaBits = 1024
const longestDelay = 2 ** 31 - 1

/** `{ name: value }`, or nothing when there is no value. */
const said = <N extends string, T>(name: N, value: T | undefined): { readonly [K in N]?: T } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: T }

const algorithms = ({ config, given }: ClientSettings): Pick<Said, 'algorithms'> => {
  const chosen = {
    ...said('kex', config.kexAlgorithms),
    ...said('hostKey', config.hostKeyAlgorithms),
    ...said('ciphers', config.ciphers),
    ...said('macs', config.macs),
    ...said('publicKeyAccepted', config.pubkeyAcceptedAlgorithms),
    ...said('hostbasedAccepted', config.hostbasedAcceptedAlgorithms),
    ...(given.has('compression') ? { compression: config.compression ? ['zlib@openssh.com', 'zlib', 'none'] : ['none'] } : {}),
  }
  return Object.keys(chosen).length === 0 ? {} : { algorithms: chosen }
}

/** The methods in order, without those that a keyword turns off. */
const preferredMethods = ({ config }: ClientSettings): readonly string[] =>
  (config.preferredAuthentications ?? ['hostbased', 'publickey', 'keyboard-interactive', 'password']).filter(
    method =>
      (method === 'hostbased' && config.hostbasedAuthentication) ||
      (method === 'publickey' && config.pubkeyAuthentication !== 'no') ||
      (method === 'keyboard-interactive' && config.kbdInteractiveAuthentication) ||
      (method === 'password' && config.passwordAuthentication),
  )

/** The socket of the agent, `false` for none; `undefined` where nothing was said. */
const agentSocket = ({ config: { identityAgent } }: ClientSettings): string | false | undefined => {
  if (identityAgent === undefined || identityAgent === 'SSH_AUTH_SOCK') return undefined
  if (identityAgent.toLowerCase() === 'none') return false
  // A variable by its bare name, as in OpenSSH's older files.
  return identityAgent.startsWith('$') ? (process.env[identityAgent.slice(1)] ?? false) : identityAgent
}

/** ForwardAgent. Like OpenSSH's, it forwards the agent that IdentityAgent names, unless it names one itself. */
const forwardedAgent = (settings: ClientSettings): true | string | undefined => {
  const { forward, socket } = settings.config.forwardAgent
  if (!forward) return undefined
  if (socket !== undefined) return socket.startsWith('$') ? process.env[socket.slice(1)] : socket
  const named = agentSocket(settings)
  if (named === false) return undefined
  return named ?? (usualAgents().length > 0 ? true : undefined)
}

const unlessNone = (paths: readonly string[]): readonly string[] => paths.filter(path => path.toLowerCase() !== 'none')

const addedKeys = ({ config: { addKeysToAgent } }: ClientSettings): Pick<Said, 'addKeysToAgent'> => {
  const { mode, seconds } = addKeysToAgent
  return mode === 'no' ? {} : { addKeysToAgent: { mode, seconds } }
}

const identities = (settings: ClientSettings): Said => {
  const { config, given, expand } = settings
  const paths = (property: 'identityFile' | 'certificateFile'): readonly string[] =>
    [...new Set(unlessNone(config[property]))].map(path => expand(path, 'path'))
  const methods = ['preferredAuthentications', 'pubkeyAuthentication', 'kbdInteractiveAuthentication', 'passwordAuthentication'] as const
  return {
    ...(methods.some(each => given.has(each)) ? { preferred: preferredMethods(settings) } : {}),
    ...(config.pubkeyAuthentication === 'unbound' ? { hostBound: false } : {}),
    ...said('kbdInteractiveDevices', config.kbdInteractiveDevices),
    ...(given.has('numberOfPasswordPrompts') ? { passwordPrompts: config.numberOfPasswordPrompts } : {}),
    ...addedKeys(settings),
    ...(config.hostbasedAuthentication ? { hostbasedAuthentication: true } : {}),
    ...said('agent', agentSocket(settings)),
    ...said('forwardAgent', forwardedAgent(settings)),
    ...(given.has('identitiesOnly') ? { identitiesOnly: config.identitiesOnly } : {}),
    ...(given.has('identityFile') ? { identityFiles: paths('identityFile') } : {}),
    ...(given.has('certificateFile') ? { certificateFiles: paths('certificateFile') } : {}),
  }
}

/** The words of KnownHostsCommand, with what the question is about in the place of its tokens. */
const knownHostsWords =
  ({ expand }: ClientSettings, [program, ...words]: readonly string[], hash: FingerprintHash) =>
  ({ invocation, name, key }: KnownHostsQuestion): readonly [string, ...string[]] => {
    const tokens = {
      H: name,
      I: invocation,
      t: key?.type ?? 'NONE',
      f: key?.fingerprint(hash) ?? 'NONE',
      K: key === undefined ? 'NONE' : encodeBase64(key.blob),
    }
    return [program, ...words.map(word => expand(word, 'text', tokens))]
  }

const hostsFromCommand = (settings: ClientSettings, hash: FingerprintHash): Pick<Said, 'knownHostsCommand'> => {
  const text = settings.config.knownHostsCommand
  if (text === undefined) return {}
  const words = splitWords(text)
  if (!isAbsolute(words[0] ?? '')) throw new ConfigError(`KnownHostsCommand must name its program by an absolute path, not "${text}".`)
  return { knownHostsCommand: knownHostsCommand(knownHostsWords(settings, words, hash)) }
}

const trust = (settings: ClientSettings): Said => {
  const { config, given } = settings
  const hash = fingerprintHashNamed(config.fingerprintHash) ?? 'sha256'
  return {
    ...(given.has('userKnownHostsFile') ? { knownHostsFiles: config.userKnownHostsFile } : {}),
    globalKnownHostsFiles: config.globalKnownHostsFile,
    ...hostsFromCommand(settings, hash),
    ...(given.has('strictHostKeyChecking') ? { strictHostKeyChecking: config.strictHostKeyChecking } : {}),
    ...(given.has('hashKnownHosts') ? { hashKnownHosts: config.hashKnownHosts } : {}),
    ...(given.has('checkHostIp') ? { checkHostIp: config.checkHostIp } : {}),
    ...(given.has('noHostAuthenticationForLocalhost') ? { noHostAuthenticationForLocalhost: config.noHostAuthenticationForLocalhost } : {}),
    ...(given.has('verifyHostKeyDns') ? { verifyHostKeyDns: config.verifyHostKeyDns } : {}),
    ...said('updateHostKeys', config.updateHostKeys),
    ...(given.has('fingerprintHash') ? { fingerprintHash: hash } : {}),
    ...said('hostKeyAlias', config.hostKeyAlias),
    ...(config.caSignatureAlgorithms === undefined ? {} : { authorityAlgorithms: authorityAlgorithms(config.caSignatureAlgorithms) }),
    ...(config.revokedHostKeys.length === 0 ? {} : { revokedHostKeys: config.revokedHostKeys }),
  }
}

const limits = ({ config, given }: ClientSettings): Said => {
  const interval = Math.min(milliseconds(config.serverAliveInterval), longestDelay)
  const alive = { milliseconds: interval, maximumUnanswered: config.serverAliveCountMax || Number.MAX_SAFE_INTEGER }
  const timeout = config.connectTimeout === 'none' ? undefined : Math.min(milliseconds(config.connectTimeout), longestDelay)
  const { bytes, seconds } = config.rekeyLimit
  return {
    ...(given.has('requiredRsaSize') ? { minimumRsaBits: Math.max(leastRsaBits, config.requiredRsaSize) } : {}),
    // 0 is the usual amount, and no limit of time.
    ...(bytes || seconds ? { rekey: { ...(bytes ? { bytes } : {}), ...(seconds ? { milliseconds: milliseconds(seconds) } : {}) } } : {}),
    ...(given.has('serverAliveInterval') ? { keepalive: interval === 0 ? false : alive } : {}),
    ...(timeout === undefined || timeout === 0 ? {} : { connectTimeout: timeout, deadlines: { handshake: timeout } }),
  }
}

/** An address of the interface, of the family that is asked for, IPv4 before IPv6. */
const addressOf = (name: string, family: 'any' | 'inet' | 'inet6'): string => {
  const all = networkInterfaces()[name]
  if (all === undefined) throw new ConfigError(`BindInterface names ${name}, and this machine has no such interface.`)
  const fits = all.filter(each => family === 'any' || (each.family === 'IPv4') === (family === 'inet'))
  const found = fits.find(each => each.family === 'IPv4') ?? fits.find(each => !each.address.startsWith('fe80:'))
  if (found === undefined) throw new ConfigError(`The interface ${name} of BindInterface has no address that could be used.`)
  return found.address
}

const network = ({ config, given }: ClientSettings): Said => ({
  ...(given.has('addressFamily') ? { family: config.addressFamily === 'inet' ? 4 : config.addressFamily === 'inet6' ? 6 : 0 } : {}),
  ...(config.bindAddress === undefined
    ? said('localAddress', config.bindInterface === undefined ? undefined : addressOf(config.bindInterface, config.addressFamily))
    : { localAddress: config.bindAddress }),
  ...(given.has('tcpKeepAlive') ? { keepAlive: config.tcpKeepAlive } : {}),
  ipQuality: config.ipQos,
  ...(given.has('connectionAttempts') ? { connectionAttempts: config.connectionAttempts } : {}),
})

const sent = ({ config }: ClientSettings): Pick<Said, 'env'> => {
  const env = sentEnvironment(config, process.env)
  return Object.keys(env).length === 0 ? {} : { env }
}

/** ChannelTimeout; its values have been read once. */
const idle = ({ config: { channelTimeout } }: ClientSettings): IdleLimits => {
  if (channelTimeout.length === 0) return {}
  return channelTimes(
    channelTimeout.map(each => {
      const equals = each.indexOf('=')
      return { type: each.slice(0, equals), seconds: readSeconds(each.slice(equals + 1)) ?? 0 }
    }),
  )
}

/** What stands behind our version: one line of ASCII (RFC 4253 §4.2). */
const addendum = ({ config: { versionAddendum } }: ClientSettings): Pick<Said, 'comments'> => {
  if (versionAddendum === undefined || versionAddendum === '') return {}
  if (!/^[\x20-\x7e]+$/.test(versionAddendum)) throw new ConfigError('VersionAddendum has characters that are not printable ASCII.')
  return { comments: versionAddendum }
}

/** A host to go through. Its own configuration says the rest; `%` of the destination stands in its name. */
const jump = ({ user, host, port }: JumpHost, { proxyTokens }: ClientSettings): Destination => ({
  host: expandTokens(host, proxyTokens),
  ...said('user', user === undefined ? undefined : expandTokens(user, proxyTokens)),
  ...said('port', port),
})

/** How the host is reached, when not directly. */
const way = <H>(settings: ClientSettings, hop: (destination: Destination) => H): Pick<SaidOptions<H>, 'via' | 'proxyCommand'> => {
  const { proxyJump, proxyCommand } = settings.config
  if (proxyJump !== undefined && proxyJump !== 'none') return { via: proxyJump.hosts.map(each => hop(jump(each, settings))) }
  return said('proxyCommand', proxyCommand)
}

/**
 * The options a configuration gives. `hop` says how a host on the way is connected to. Throws `ConfigError` for what was
 * asked for and cannot be done.
 */
export const configuredOptions = <H>(settings: ClientSettings, hop: (destination: Destination) => H): SaidOptions<H> => {
  if (settings.refused !== undefined) throw settings.refused
  return {
    ...algorithms(settings),
    ...identities(settings),
    ...trust(settings),
    ...limits(settings),
    ...network(settings),
    ...sent(settings),
    ...idle(settings),
    ...addendum(settings),
    ...way(settings, hop),
  }
}

// Owns reading ssh_config for one host: both passes, the host's name between them, and the values as they are meant, with
// tokens, variables and `~` replaced. Knows no file and no runtime: a `ClientMachine` answers.
import { ConfigError } from '../errors.ts'
import { canonicalHost } from './canonical-host.ts'
import { clientDialect, clientKeywords, type ClientConfig } from './client-keywords.ts'
import type { Forward, ForwardEnd } from './reach-kinds.ts'
import { type ClientMachine, clientTokens, hostSoFar, jumpHost, tokensSoFar } from './client-machine.ts'
import { type ClientCall, type ClientPass, decideForClient } from './client-match.ts'
import { type ConfigDocument, type ConfigSource, faultAt, parseDocument, showPlace, type Statement } from './document.ts'
import { BadValue } from './kinds.ts'
import { type IncludeQuestion, oneError, type Resolved, resolveConfigLater, withDefaults } from './resolve.ts'
import { expandTilde, expandTokens, type Tokens, UnsetVariable } from './tokens.ts'

export interface ClientSources {
  /** The command line, an option each, in the order given. */
  readonly options: readonly ConfigSource[]
  /** The person's file, then the system's; or the one of `-F`. */
  readonly files: readonly ConfigSource[]
}

/** How a text's tokens are replaced: a `path` also has `~` and variables, a `text` variables, a `command` only tokens. */
export type ExpandClient = (text: string, kind: 'path' | 'text' | 'command', more?: Tokens) => string

export interface ClientSettings {
  /** Values as they are meant. `hostName` is where to connect to, `user` is who logs in. */
  readonly config: ClientConfig & { readonly hostName: string; readonly user: string }
  readonly call: ClientCall
  /** The properties that a source set; the others hold their defaults. */
  readonly given: ReadonlySet<keyof ClientConfig>
  /** Which statements decided each of those. */
  readonly decidedBy: ReadonlyMap<string, readonly Statement[]>
  /** Sentences for people, each with file and line. */
  readonly warnings: readonly string[]
  /** What was asked for, matters, and has no effect: an error for whoever connects. */
  readonly refused: ConfigError | undefined
  /** For the values that are replaced when they are used: LocalCommand, IdentityFile, CertificateFile, … */
  readonly expand: ExpandClient
  /** For ProxyCommand, which takes fewer tokens. */
  readonly proxyTokens: Tokens
}

const folderOf = (statement: Statement): string => (statement.source.isUsers === true ? '~/.ssh' : '/etc/ssh')

/** The documents an Include names: tokens and variables replaced, relative names where their owner keeps such files. */
const included = (
  { pattern, statement, soFar, warn }: IncludeQuestion,
  call: ClientCall,
  pass: ClientPass,
  machine: ClientMachine,
): readonly ConfigDocument[] => {
  const host = hostSoFar(pass.host, pass.final, soFar)
  let path: string
  try {
    path = expandTokens(pattern, tokensSoFar(machine, call.host, host, soFar), machine.environment)
  } catch (error) {
    if (!(error instanceof UnsetVariable)) throw error
    // As in OpenSSH: a file whose name cannot be told is passed over, and said to be.
    warn(`${error.message}; nothing is included`)
    return []
  }
  if (path.startsWith('~') && statement.source.isUsers !== true) throw new BadValue(`has “${path}”; the system's files belong to no home`)
  const anchored = path.startsWith('/') || path.startsWith('~') ? path : `${folderOf(statement)}/${path}`
  const found = machine.include(
    expandTilde(anchored, machine.home, user => machine.homeOf(user)),
    statement,
  )
  return found.map(parseDocument)
}

const throwProblems = ({ problems, values, decidedBy }: Resolved): void => {
  const refusal = values.get('refuseConnection')
  const by = decidedBy.get('refuseConnection')?.[0]
  const error = oneError(problems) ?? (refusal === undefined ? undefined : new ConfigError(`RefuseConnection: ${String(refusal)}`, by))
  if (error !== undefined) throw error
}

/** Both passes over the sources. The second has the host's name for good, and only adds what the first left unsaid. */
const passes = async (sources: ClientSources, call: ClientCall, machine: ClientMachine): Promise<{ resolved: Resolved; host: string }> => {
  const files = sources.files.map(parseDocument)
  const read = async (documents: readonly ConfigDocument[], pass: ClientPass, after?: Resolved): Promise<Resolved> => {
    const resolved = await resolveConfigLater(
      documents,
      clientDialect,
      {
        decide: question => decideForClient(question, call, pass, machine),
        include: question => included(question, call, pass, machine),
      },
      { host: pass.host, ...(after === undefined ? {} : { after }) },
    )
    throwProblems(resolved)
    return resolved
  }
  const first = await read([...sources.options.map(parseDocument), ...files], { host: call.host, final: false })
  const rules = withDefaults<ClientConfig>(clientKeywords, first.values)
  const said = at(first, 'hostName', () => (rules.hostName === undefined ? call.host : expandTokens(rules.hostName, { h: call.host })))
  const host = await canonicalHost(said, rules, (...asked) => machine.resolve(...asked))
  if (rules.canonicalizeHostname === 'no' && !first.criteria.has('final')) return { resolved: first, host }
  const known: Resolved = { ...first, values: new Map([...first.values, ['hostName', host]]) }
  return { resolved: await read(files, { host, final: true }, known), host }
}

/** What is wrong with a property's value is said with the file and line it is from. */
const at = <T>(resolved: Resolved, property: keyof typeof clientKeywords, act: () => T): T => {
  try {
    return act()
  } catch (error) {
    const by = resolved.decidedBy.get(property)?.at(-1)
    if (error instanceof BadValue && by !== undefined) throw faultAt(by, clientKeywords[property].name, error)
    throw error
  }
}

/** A user name goes into commands and tokens: the characters with which it could be more than a name are refused. */
const checkUser = (user: string): string => {
  if (user.startsWith('-') || /[\p{Cc}'`";&<>|(){}]/u.test(user) || /\s-/.test(user) || user.endsWith('\\'))
    throw new ConfigError('The remote user name has characters that no user name may have.')
  return user
}

const checkHost = (host: string): void => {
  if (host.startsWith('-') || /[\s\p{Cc}'`"$\\;&<>|(){},]/u.test(host))
    throw new ConfigError('The host name has characters that no host name may have.')
}

const remoteUser = (resolved: Resolved, machine: ClientMachine, tokens: Tokens): string => {
  const said = resolved.values.get('user')
  if (typeof said !== 'string') return machine.user
  const source = resolved.decidedBy.get('user')?.[0]?.source
  // The command line says a name, not a pattern for one.
  if (source?.isOption === true && source.isUsers !== true) return checkUser(said)
  const user = at(resolved, 'user', () => expandTokens(said, withoutUser(tokens), machine.environment))
  return user === said ? user : checkUser(user)
}

/** `%C` and `%r` are made of the user. Looking at `C` would compute it. */
const withoutUser = (tokens: Tokens): Tokens => {
  const found: Record<string, string> = {}
  for (const letter of Object.keys(tokens)) if (letter !== 'C' && letter !== 'r') found[letter] = tokens[letter]
  return found
}

const expandEnd = (end: ForwardEnd, expand: ExpandClient): ForwardEnd =>
  end.path === undefined ? end : { ...end, path: expand(end.path, 'command') }
const expandForward = ({ listen, connect }: Forward, expand: ExpandClient): Forward => ({
  listen: expandEnd(listen, expand),
  connect: connect === undefined ? undefined : expandEnd(connect, expand),
})

const isNone = (text: string | undefined): boolean => text !== undefined && text.toLowerCase() === 'none'
const unlessNone = (text: string | undefined): string | undefined => (isNone(text) ? undefined : text)

/** Updating known_hosts is usual where nothing is unusual about the files, and asking needs somebody to ask. */
const updating = (config: ClientConfig, given: ReadonlySet<string>, call: ClientCall): 'yes' | 'no' | 'ask' => {
  if (config.updateHostKeys === undefined) {
    const [first, ...more] = config.userKnownHostsFile
    const usual = !given.has('userKnownHostsFile') || (first === '~/.ssh/known_hosts' && more.length === 0)
    return config.verifyHostKeyDns === 'no' && usual ? 'yes' : 'no'
  }
  if (config.updateHostKeys !== 'ask') return config.updateHostKeys
  const quiet = config.logLevel === 'QUIET' || config.logLevel === 'FATAL' || config.logLevel === 'ERROR'
  const unattended = (call.command ?? '') !== '' || unlessNone(config.remoteCommand) !== undefined || config.requestTty === 'no'
  return quiet || unattended || (config.controlPersist !== 'no' && unlessNone(config.controlPath) !== undefined) ? 'no' : 'ask'
}

/** The values with tokens replaced in all that OpenSSH replaces before it connects, `none` taken for nothing. */
const meant = (config: ClientConfig, resolved: Resolved, call: ClientCall, expand: ExpandClient): ClientConfig => {
  const path = (property: keyof typeof clientKeywords, text: string | undefined): string | undefined =>
    text === undefined ? undefined : at(resolved, property, () => expand(text, 'path'))
  const paths = (property: 'userKnownHostsFile' | 'revokedHostKeys'): readonly string[] =>
    isNone(config[property][0]) ? [] : config[property].map(each => at(resolved, property, () => expand(each, 'path')))
  const forwards = (property: 'localForward' | 'remoteForward' | 'dynamicForward'): readonly Forward[] =>
    config.clearAllForwardings ? [] : config[property].map(each => at(resolved, property, () => expandForward(each, expand)))
  const remote = unlessNone(config.remoteCommand)
  const jump = config.proxyJump === 'none' ? undefined : config.proxyJump
  return {
    ...config,
    updateHostKeys: updating(config, new Set(resolved.values.keys()), call),
    hostKeyAlias: config.hostKeyAlias?.toLowerCase(),
    tunnel: config.clearAllForwardings ? 'no' : config.tunnel,
    localCommand: unlessNone(config.localCommand),
    remoteCommand: remote === undefined ? undefined : at(resolved, 'remoteCommand', () => expand(remote, 'command')),
    proxyJump: jump,
    proxyCommand: jump === undefined ? unlessNone(config.proxyCommand) : undefined,
    proxyUseFdpass: jump === undefined && config.proxyUseFdpass,
    controlPath: path('controlPath', unlessNone(config.controlPath)),
    pkcs11Provider: unlessNone(config.pkcs11Provider),
    securityKeyProvider: isNone(config.securityKeyProvider) ? '' : config.securityKeyProvider,
    knownHostsCommand: unlessNone(config.knownHostsCommand),
    identityAgent: path('identityAgent', config.identityAgent),
    revokedHostKeys: paths('revokedHostKeys'),
    userKnownHostsFile: paths('userKnownHostsFile'),
    globalKnownHostsFile: isNone(config.globalKnownHostsFile[0]) ? [] : config.globalKnownHostsFile,
    channelTimeout: isNone(config.channelTimeout[0]) ? [] : config.channelTimeout,
    canonicalDomains: isNone(config.canonicalDomains[0]) ? [] : config.canonicalDomains,
    forwardAgent: {
      ...config.forwardAgent,
      ...(config.forwardAgent.socket === undefined
        ? {}
        : { socket: at(resolved, 'forwardAgent', () => expand(config.forwardAgent.socket ?? '', 'path')) }),
    },
    versionAddendum:
      config.versionAddendum === undefined
        ? undefined
        : at(resolved, 'versionAddendum', () => expand(config.versionAddendum ?? '', 'text')),
    setEnv: config.setEnv.map(([name, value]) => [name, at(resolved, 'setEnv', () => expand(value, 'text'))] as const),
    localForward: forwards('localForward'),
    remoteForward: forwards('remoteForward'),
    dynamicForward: forwards('dynamicForward'),
  }
}

/** Two defaults are others where the standard streams are forwarded. */
const usualFor = ({ stdioForward }: ClientCall, { values }: Resolved, config: ClientConfig): ClientConfig =>
  stdioForward === true
    ? {
        ...config,
        clearAllForwardings: values.has('clearAllForwardings') ? config.clearAllForwardings : true,
        exitOnForwardFailure: values.has('exitOnForwardFailure') ? config.exitOnForwardFailure : true,
      }
    : config

const forwardings = new Set(['LocalForward', 'RemoteForward', 'DynamicForward', 'Tunnel'])
const notSupported = (name: string): string => `${name} is not supported by this version`

/** What has no effect though it was asked for. */
const findings = (
  resolved: Resolved,
  config: ClientConfig,
): { readonly warnings: readonly string[]; readonly refused: ConfigError | undefined } => {
  const all = resolved.withoutEffect.filter(({ name }) => !(config.clearAllForwardings && forwardings.has(name)))
  const ofKind = (otherwise: 'warn' | 'refuse'): typeof all => all.filter(each => each.otherwise === otherwise)
  return {
    warnings: ofKind('warn').map(({ name, statement }) => `${showPlace(statement)}: ${notSupported(name)} and has no effect.`),
    refused: oneError(ofKind('refuse').map(({ name, statement }) => new ConfigError(`${notSupported(name)}.`, statement))),
  }
}

/**
 * Reads what `ssh` is told about a host: options of the command line, then the person's file, then the system's; the first
 * value wins. Throws `ConfigError` with file and line for what is wrong anywhere, in blocks for other hosts too.
 */
export const readClientConfig = async (sources: ClientSources, call: ClientCall, machine: ClientMachine): Promise<ClientSettings> => {
  checkHost(call.host)
  const { resolved, host } = await passes(sources, call, machine)
  const config = usualFor(call, resolved, withDefaults<ClientConfig>(clientKeywords, resolved.values))
  const keyAlias = config.hostKeyAlias?.toLowerCase() ?? call.host
  const named = { typed: call.host, host, port: config.port, keyAlias, jump: jumpHost(config.proxyJump) }
  const user = remoteUser(resolved, machine, clientTokens(machine, { ...named, user: '' }))
  const tokens = clientTokens(machine, { ...named, user })
  const expand: ExpandClient = (text, kind, more) => {
    const known = more === undefined ? tokens : withMore(tokens, more)
    if (kind === 'command') return expandTokens(text, known)
    const path = kind === 'text' ? text : expandTilde(text, machine.home, each => machine.homeOf(each))
    return expandTokens(path, known, machine.environment)
  }
  return {
    config: { ...meant(config, resolved, call, expand), hostName: host, user },
    call,
    given: new Set(resolved.values.keys()) as ReadonlySet<string> as ReadonlySet<keyof ClientConfig>,
    decidedBy: resolved.decidedBy,
    ...withWarnings(resolved, config),
    expand,
    proxyTokens: { h: host, k: keyAlias, n: call.host, p: String(config.port), r: user },
  }
}

const withWarnings = (resolved: Resolved, config: ClientConfig): Pick<ClientSettings, 'warnings' | 'refused'> => {
  const { warnings, refused } = findings(resolved, config)
  return { warnings: [...resolved.warnings, ...warnings], refused }
}

/** Getters stay getters. */
const withMore = (tokens: Tokens, more: Tokens): Tokens =>
  Object.defineProperties({}, { ...Object.getOwnPropertyDescriptors(tokens), ...Object.getOwnPropertyDescriptors(more) })

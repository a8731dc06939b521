// Owns the keywords of ssh_config: one row each, in the order `ssh -G` prints them, and its dialect. Adding a keyword is one
// row here. Knows nothing of syntax, and nothing of who acts on a value.
import { matchesWildcard } from '../patterns.ts'
import { algorithmLists } from './algorithm-kinds.ts'
import {
  addendum,
  addKeys,
  type AddKeys,
  agentSocket,
  canonicalizations,
  channelTimeouts,
  command,
  compressions,
  controlMasters,
  controlPersistence,
  domains,
  escapeCharacter,
  fingerprintHash,
  firstOfWords,
  forwardAgent,
  ipQuality,
  keystrokeTiming,
  octalMask,
  permittedCnames,
  publicKeyUses,
  rekeyLimitInParts,
  remoteOpens,
  secondsOrNothing,
  secondsOrUnlimited,
  strictChecking,
  terminals,
  tunnelDevice,
  tunnels,
  usualKeystrokeInterval,
  variableNames,
  weakCryptoWarnings,
  wordsOrAlone,
  yesNoAsk,
  states,
} from './client-kinds.ts'
import { type Forward, forwards, portOrService, proxyJump, type ProxyJump } from './reach-kinds.ts'
import type { Statement } from './document.ts'
import {
  anyWords,
  assignments,
  commaList,
  facilities,
  families,
  integer,
  type Kind,
  largestNumber,
  logLevels,
  word,
  yesNo,
} from './kinds.ts'
import type { Dialect } from './resolve.ts'
import { type Keyword, type KeywordTable, list, type NotInEffect, type RowOptions, set, unset, type Values } from './table.ts'

/** What nothing acts on yet; values in `off` (as printed) ask for nothing. */
const idle = <T>(
  otherwise: NotInEffect<T>['otherwise'],
  kind: Kind<T>,
  ...off: readonly string[]
): { readonly notInEffect: NotInEffect<T> } => ({
  notInEffect: { asksNothing: value => (kind.print ?? kind.show).call(kind, value).every(line => off.includes(line)), otherwise },
})

const flag = (name: string, fallback: boolean, options: RowOptions<boolean> = {}): Keyword<boolean> => set(name, yesNo, fallback, options)
/** A flag whose `otherwise` holds when it says yes. */
const idleFlag = (name: string, otherwise: NotInEffect<boolean>['otherwise'], asked = true): Keyword<boolean> =>
  flag(name, false, { notInEffect: { asksNothing: value => value !== asked, otherwise } })
const number = (name: string, fallback: number, least = 0): Keyword<number> => set(name, integer(least, largestNumber), fallback)
/** A time; `none` leaves it unsaid. */
const time = (name: string, fallback: number, options: RowOptions<number> = {}): Keyword<number> =>
  set(name, secondsOrNothing, fallback, { takes: value => !Number.isNaN(value), ...options })

const samePlace = (statement: Statement): string => {
  const { isOption, isUsers } = statement.source
  return isOption === true && isUsers !== true ? 'letter' : isUsers === true ? 'person' : 'system'
}
/** The same file said by the same side is one; a letter of the command line, a person's and the system's files are sides. */
const files = (name: string, fallback: readonly string[], options: RowOptions<readonly string[]> = {}): Keyword<readonly string[]> =>
  set(name, filePerLine, fallback, {
    combine: (soFar = [], next, by) => {
      const side = samePlace(by[by.length - 1])
      const twice = soFar.some((path, at) => path === next[0] && samePlace(by[at]) === side)
      return twice ? undefined : [...soFar, ...next]
    },
    ...options,
  })
const filePerLine: Kind<readonly string[]> = {
  means: 'a path; may be repeated',
  read: input => [word.read(input)],
  show: values => values.flatMap(value => word.show(value)),
  print: values => values,
}

const sameForward = (left: Forward, right: Forward): boolean => JSON.stringify(left) === JSON.stringify(right)
const forwardings = (name: string, which: 'local' | 'remote' | 'dynamic'): Keyword<readonly Forward[]> =>
  set<readonly Forward[]>(name, forwards(which), [], {
    combine: (soFar = [], next) => (soFar.some(each => sameForward(each, next[0])) ? undefined : [...soFar, ...next]),
  })

const knownHostsFiles = wordsOrAlone('none')
const isJump = (value: unknown): value is Exclude<ProxyJump, 'none'> => value !== undefined && value !== 'none'
const noKeys: AddKeys = { mode: 'no', seconds: 0 }

/** What `ssh` reads, from files and from `-o`. Defaults are OpenSSH's unless the row says why not. */
export const clientKeywords = {
  user: unset('User', word),
  hostName: unset('HostName', word),
  port: set('Port', portOrService, 22),
  addressFamily: set('AddressFamily', families, 'any'),
  batchMode: flag('BatchMode', false),
  canonicalizeFallbackLocal: flag('CanonicalizeFallbackLocal', true),
  canonicalizeHostname: set('CanonicalizeHostname', canonicalizations, 'no'),
  checkHostIp: flag('CheckHostIP', false),
  compression: set('Compression', compressions, false),
  controlMaster: set('ControlMaster', controlMasters, 'no'),
  // The helper reads /etc/ssh/ssh_config for it itself; to ssh it says nothing.
  enableSshKeysign: idleFlag('EnableSSHKeysign', 'ignore'),
  clearAllForwardings: flag('ClearAllForwardings', false),
  exitOnForwardFailure: flag('ExitOnForwardFailure', false),
  fingerprintHash: set('FingerprintHash', fingerprintHash, 'SHA256'),
  forwardX11: flag('ForwardX11', false),
  forwardX11Trusted: flag('ForwardX11Trusted', false),
  gatewayPorts: flag('GatewayPorts', false),
  hashKnownHosts: flag('HashKnownHosts', false),
  hostbasedAuthentication: flag('HostbasedAuthentication', false),
  identitiesOnly: flag('IdentitiesOnly', false),
  kbdInteractiveAuthentication: flag('KbdInteractiveAuthentication', true, {
    oldNames: ['ChallengeResponseAuthentication', 'SkeyAuthentication', 'TISAuthentication'],
  }),
  noHostAuthenticationForLocalhost: flag('NoHostAuthenticationForLocalhost', false),
  passwordAuthentication: flag('PasswordAuthentication', true),
  permitLocalCommand: flag('PermitLocalCommand', false),
  proxyUseFdpass: idleFlag('ProxyUseFdpass', 'refuse'),
  pubkeyAuthentication: set('PubkeyAuthentication', publicKeyUses, 'yes', { oldNames: ['DSAAuthentication'] }),
  requestTty: set('RequestTTY', terminals, 'auto'),
  sessionType: set('SessionType', states({ none: 'none', subsystem: 'subsystem', default: 'default' }), 'default'),
  stdinNull: flag('StdinNull', false),
  forkAfterAuthentication: flag('ForkAfterAuthentication', false),
  streamLocalBindUnlink: flag('StreamLocalBindUnlink', false),
  strictHostKeyChecking: set('StrictHostKeyChecking', strictChecking, 'ask'),
  tcpKeepAlive: flag('TCPKeepAlive', true, { oldNames: ['KeepAlive'] }),
  tunnel: set('Tunnel', tunnels, 'no'),
  verifyHostKeyDns: set('VerifyHostKeyDNS', yesNoAsk, 'no'),
  visualHostKey: flag('VisualHostKey', false),
  // Without a line it depends on the known_hosts files: see `clientDefaults`.
  updateHostKeys: unset('UpdateHostKeys', yesNoAsk),
  enableEscapeCommandline: flag('EnableEscapeCommandline', false),
  warnWeakCrypto: set('WarnWeakCrypto', weakCryptoWarnings, true),
  canonicalizeMaxDots: number('CanonicalizeMaxDots', 1),
  connectionAttempts: number('ConnectionAttempts', 1, 1),
  forwardX11Timeout: time('ForwardX11Timeout', 1200),
  numberOfPasswordPrompts: number('NumberOfPasswordPrompts', 3),
  serverAliveCountMax: number('ServerAliveCountMax', 3),
  serverAliveInterval: time('ServerAliveInterval', 0),
  // OpenSSH's default is 1024; nacre never takes RSA keys below 2048 bits unless told to.
  requiredRsaSize: number('RequiredRSASize', 2048),
  obscureKeystrokeTiming: set('ObscureKeystrokeTiming', keystrokeTiming, usualKeystrokeInterval),
  bindAddress: unset('BindAddress', word),
  bindInterface: unset('BindInterface', word),
  ciphers: unset('Ciphers', algorithmLists.cipherNames),
  controlPath: unset('ControlPath', word),
  hostKeyAlgorithms: unset('HostKeyAlgorithms', algorithmLists.signatures),
  hostKeyAlias: unset('HostKeyAlias', word),
  hostbasedAcceptedAlgorithms: unset('HostbasedAcceptedAlgorithms', algorithmLists.signatures, {
    oldNames: ['HostbasedKeyTypes'],
  }),
  identityAgent: unset('IdentityAgent', agentSocket),
  ignoreUnknown: unset('IgnoreUnknown', word),
  kbdInteractiveDevices: unset('KbdInteractiveDevices', word),
  kexAlgorithms: unset('KexAlgorithms', algorithmLists.keyExchangeNames),
  caSignatureAlgorithms: unset('CASignatureAlgorithms', algorithmLists.authoritySignatures),
  localCommand: unset('LocalCommand', command),
  remoteCommand: unset('RemoteCommand', command),
  logLevel: set('LogLevel', logLevels, 'INFO'),
  macs: unset('MACs', algorithmLists.macNames),
  pkcs11Provider: unset('PKCS11Provider', word, { oldNames: ['SmartcardDevice'], ...idle('warn', word, 'none') }),
  securityKeyProvider: set('SecurityKeyProvider', word, '$SSH_SK_PROVIDER', idle('ignore', word)),
  preferredAuthentications: unset('PreferredAuthentications', commaList),
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithmLists.signatures, { oldNames: ['PubkeyAcceptedKeyTypes'] }),
  xAuthLocation: set('XAuthLocation', word, '/usr/bin/xauth'),
  knownHostsCommand: unset('KnownHostsCommand', command),
  tag: unset('Tag', word),
  versionAddendum: unset('VersionAddendum', addendum),
  dynamicForward: forwardings('DynamicForward', 'dynamic'),
  localForward: forwardings('LocalForward', 'local'),
  remoteForward: forwardings('RemoteForward', 'remote'),
  identityFile: files('IdentityFile', [], { oldNames: ['IdentityFile2'] }),
  canonicalDomains: set('CanonicalDomains', domains, []),
  certificateFile: files('CertificateFile', []),
  globalKnownHostsFile: set('GlobalKnownHostsFile', knownHostsFiles, ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
  userKnownHostsFile: set('UserKnownHostsFile', knownHostsFiles, ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
  revokedHostKeys: set('RevokedHostKeys', knownHostsFiles, []),
  sendEnv: list('SendEnv', variableNames, [], {
    combine: (soFar = [], next) => {
      let names = soFar
      for (const name of next) names = name.startsWith('-') ? names.filter(each => !matchesWildcard(name.slice(1), each)) : [...names, name]
      return names
    },
  }),
  setEnv: set('SetEnv', assignments, [], {
    // The first line wins, and in it the first value of a name.
    combine: (soFar, next) =>
      soFar === undefined ? next.filter(([name], at) => next.findIndex(each => each[0] === name) === at) : undefined,
  }),
  logVerbose: set('LogVerbose', firstOfWords, [], idle('ignore', firstOfWords)),
  channelTimeout: set('ChannelTimeout', channelTimeouts, []),
  permitRemoteOpen: set('PermitRemoteOpen', remoteOpens, []),
  addKeysToAgent: set('AddKeysToAgent', addKeys, noKeys),
  forwardAgent: set(
    'ForwardAgent',
    forwardAgent,
    { forward: false },
    {
      // As in OpenSSH, a line may say whether and another which.
      combine: (soFar, next) =>
        soFar === undefined || next.socket === undefined || soFar.socket !== undefined
          ? (soFar ?? next)
          : { ...soFar, socket: next.socket },
    },
  ),
  connectTimeout: set('ConnectTimeout', secondsOrUnlimited, 'none', { takes: value => value !== 'none' }),
  tunnelDevice: set('TunnelDevice', tunnelDevice, { local: 'any', remote: 'any' }),
  canonicalizePermittedCnames: set('CanonicalizePermittedCNAMEs', permittedCnames, []),
  controlPersist: set('ControlPersist', controlPersistence, 'no'),
  escapeChar: set('EscapeChar', escapeCharacter, '~'),
  ipQos: set('IPQoS', ipQuality, { interactive: 0xb8, bulk: 0 }),
  rekeyLimit: set(
    'RekeyLimit',
    rekeyLimitInParts,
    { bytes: undefined, seconds: undefined },
    {
      // One line may say the amount and another the time.
      combine: (soFar, next) => ({ bytes: soFar?.bytes ?? next.bytes, seconds: soFar?.seconds ?? next.seconds }),
    },
  ),
  // OpenSSH takes this one and SyslogFacility from blocks for other hosts too, and of this one the last.
  streamLocalBindMask: set('StreamLocalBindMask', octalMask, 0o177, {
    everywhere: true,
    combine: (_, next) => next,
  }),
  syslogFacility: set('SyslogFacility', facilities, 'USER', { everywhere: true }),
  proxyCommand: unset('ProxyCommand', command, { takes: (_, soFar) => !isJump(soFar('proxyJump')) }),
  proxyJump: unset('ProxyJump', proxyJump, {
    takes: (value, soFar) => value === 'none' || soFar('proxyCommand') === undefined,
  }),
  refuseConnection: unset('RefuseConnection', word),
} as const satisfies KeywordTable
export type ClientConfig = Values<typeof clientKeywords>

/** Of other builds and of distributions; taken so that their files can be read. */
const foreign: KeywordTable = Object.fromEntries(
  `GSSAPIAuthentication GSSAPIDelegateCredentials GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck GSSAPIKeyExchange
   GSSAPIStoreCredentialsOnRekey GSSAPIClientIdentity GSSAPIServerIdentity GSSAPITrustDns GSSAPIRenewalForcesRekey
   GSSAPIKexAlgorithms UseKeychain`
    .split(/\s+/)
    .map(name => [name.toLowerCase(), unset(name, anyWords, idle('ignore', anyWords))]),
)

const meaningless = (
  fate: 'silent' | 'deprecated' | 'unsupported',
  names: string,
): readonly (readonly [string, 'silent' | 'deprecated' | 'unsupported'])[] => names.split(' ').map(name => [name, fate])

/** How ssh_config is read. */
export const clientDialect: Dialect = {
  table: { ...foreign, ...clientKeywords },
  match: {
    criteria: {
      canonical: { takes: 'nothing' },
      final: { takes: 'nothing' },
      exec: { takes: 'argument', withEquals: true },
      host: { takes: 'argument', withEquals: true },
      originalhost: { takes: 'argument', withEquals: true },
      user: { takes: 'argument', withEquals: true },
      localuser: { takes: 'argument', withEquals: true },
      localnetwork: { takes: 'argument', withEquals: true },
      tagged: { takes: 'argument, empty too', withEquals: true },
      version: { takes: 'argument', withEquals: true },
      command: { takes: 'argument, empty too', withEquals: true },
      sessiontype: { takes: 'argument' },
    },
    negation: true,
    beforeAll: 1,
  },
  meaningless: new Map([
    ...meaningless('silent', 'protocol'),
    ...meaningless(
      'deprecated',
      'cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication userknownhostsfile2 useroaming usersh useprivilegedport',
    ),
    ...meaningless(
      'unsupported',
      'afstokenpassing kerberosauthentication kerberostgtpassing rsaauthentication rhostsrsaauthentication compressionlevel',
    ),
  ]),
  ignoreUnknown: 'ignoreUnknown',
}

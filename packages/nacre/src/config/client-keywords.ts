// Owns the keywords of ssh_config: one row each, and its dialect. Adding a keyword is one row here. Knows nothing of
// syntax, and nothing of who acts on a value.
import {
  algorithms,
  assignments,
  choice,
  commaList,
  escapeCharacter,
  integer,
  port,
  rekeyLimit,
  restOfLine,
  seconds,
  secondsOrNone,
  word,
  words,
  wordsPerLine,
  yesNo,
  families,
  logLevels,
  largestNumber,
} from './kinds.ts'
import type { Dialect } from './resolve.ts'
import { type KeywordTable, list, set, unset, type Values } from './table.ts'
import { rows, unsupportedTable } from './unsupported.ts'

/** What `ssh` reads, from files and from `-o`. Defaults are OpenSSH's unless the row says why not. */
export const clientKeywords = {
  hostName: unset('HostName', word),
  port: set('Port', port, 22),
  user: unset('User', word),
  identityFile: list('IdentityFile', wordsPerLine),
  certificateFile: list('CertificateFile', wordsPerLine),
  identitiesOnly: set('IdentitiesOnly', yesNo, false),
  identityAgent: unset('IdentityAgent', word),
  strictHostKeyChecking: set(
    'StrictHostKeyChecking',
    choice(['ask', 'yes', 'accept-new', 'no'], { off: 'no', true: 'yes', false: 'no' }),
    'ask',
  ),
  userKnownHostsFile: set('UserKnownHostsFile', words, ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
  globalKnownHostsFile: set('GlobalKnownHostsFile', words, ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
  hashKnownHosts: set('HashKnownHosts', yesNo, false),
  hostKeyAlias: unset('HostKeyAlias', word),
  revokedHostKeys: set('RevokedHostKeys', word, 'none'),
  caSignatureAlgorithms: unset('CASignatureAlgorithms', algorithms),
  hostKeyAlgorithms: unset('HostKeyAlgorithms', algorithms),
  kexAlgorithms: unset('KexAlgorithms', algorithms),
  ciphers: unset('Ciphers', algorithms),
  macs: unset('MACs', algorithms),
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithms, { oldNames: ['PubkeyAcceptedKeyTypes'] }),
  compression: set('Compression', yesNo, false),
  connectTimeout: set('ConnectTimeout', secondsOrNone, 'none'),
  connectionAttempts: set('ConnectionAttempts', integer(1, largestNumber), 1),
  serverAliveInterval: set('ServerAliveInterval', seconds, 0),
  serverAliveCountMax: set('ServerAliveCountMax', integer(0, largestNumber), 3),
  tcpKeepAlive: set('TCPKeepAlive', yesNo, true, { oldNames: ['KeepAlive'] }),
  rekeyLimit: set('RekeyLimit', rekeyLimit, { bytes: undefined, seconds: undefined }),
  preferredAuthentications: unset('PreferredAuthentications', commaList),
  numberOfPasswordPrompts: set('NumberOfPasswordPrompts', integer(1, largestNumber), 3),
  passwordAuthentication: set('PasswordAuthentication', yesNo, true),
  pubkeyAuthentication: set('PubkeyAuthentication', yesNo, true, { oldNames: ['DSAAuthentication'] }),
  kbdInteractiveAuthentication: set('KbdInteractiveAuthentication', yesNo, true, {
    oldNames: ['ChallengeResponseAuthentication', 'SkeyAuthentication', 'TISAuthentication'],
  }),
  batchMode: set('BatchMode', yesNo, false),
  requestTty: set('RequestTTY', choice(['auto', 'yes', 'no', 'force'], { true: 'yes', false: 'no' }), 'auto'),
  remoteCommand: unset('RemoteCommand', restOfLine),
  sendEnv: list('SendEnv', wordsPerLine),
  setEnv: set('SetEnv', assignments, []),
  logLevel: set('LogLevel', logLevels, 'INFO'),
  addressFamily: set('AddressFamily', families, 'any'),
  bindAddress: unset('BindAddress', word),
  checkHostIp: set('CheckHostIP', yesNo, false),
  escapeChar: set('EscapeChar', escapeCharacter, '~'),
  sessionType: set('SessionType', choice(['default', 'none', 'subsystem']), 'default'),
  stdinNull: set('StdinNull', yesNo, false),
  forkAfterAuthentication: set('ForkAfterAuthentication', yesNo, false),
  requiredRsaSize: set('RequiredRSASize', integer(1024, 16384), 2048),
} as const satisfies KeywordTable
export type ClientConfig = Values<typeof clientKeywords>

const gssapi =
  'GSSAPIAuthentication=no GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck GSSAPIKeyExchange=no GSSAPIStoreCredentialsOnRekey'

/** Keywords nacre knows and does not act on; their lines are kept as words. */
const clientUnsupported = unsupportedTable([
  ...rows(
    'ignore',
    `AddKeysToAgent ControlMaster ControlPath ControlPersist ${gssapi} GSSAPIDelegateCredentials GSSAPIClientIdentity
     GSSAPIServerIdentity GSSAPITrustDns GSSAPIRenewalForcesRekey EnableSSHKeysign FingerprintHash VisualHostKey IPQoS LogVerbose
     NoHostAuthenticationForLocalhost=no XAuthLocation ForwardX11Timeout ForwardX11Trusted PKCS11Provider SecurityKeyProvider
     StreamLocalBindMask StreamLocalBindUnlink TunnelDevice CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots
     CanonicalizePermittedCNAMEs ObscureKeystrokeTiming EnableEscapeCommandline Tag UpdateHostKeys VerifyHostKeyDNS
     HostbasedAuthentication HostbasedAcceptedAlgorithms HostbasedKeyTypes GatewayPorts ExitOnForwardFailure
     ClearAllForwardings PermitRemoteOpen WarnWeakCrypto UseKeychain VersionAddendum`,
  ),
  ...rows(
    'warn',
    `ForwardAgent=no ForwardX11=no LocalForward RemoteForward DynamicForward Tunnel=no LocalCommand
     PermitLocalCommand=no KnownHostsCommand=none ChannelTimeout=none SyslogFacility`,
  ),
  ...rows('refuse', 'ProxyJump=none ProxyCommand=none ProxyUseFdpass=no CanonicalizeHostname=no|none BindInterface=none RefuseConnection'),
])

const deprecated = `protocol cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication userknownhostsfile2 useroaming usersh`

/** How ssh_config is read. */
export const clientDialect: Dialect = {
  table: { ...clientUnsupported, ...clientKeywords, ignoreUnknown: unset('IgnoreUnknown', word) },
  match: { criteria: {}, negation: true, beforeAll: 1 },
  meaningless: new Map(deprecated.split(/\s+/).map(name => [name, 'deprecated'])),
  ignoreUnknown: 'ignoreUnknown',
}

// Owns the keywords of sshd_config and ssh_config that nacre acts on: one row each. Adding a keyword is one row here.
// Knows nothing of syntax, and nothing of who acts on a value.
import {
  algorithms,
  assignments,
  choice,
  commaList,
  escapeCharacter,
  integer,
  type Kind,
  listenAddresses,
  integerOrNone,
  maxStartups,
  methodChains,
  netBlockSize,
  port,
  ports,
  rekeyLimit,
  type RekeyLimit,
  restOfLine,
  seconds,
  secondsOrNone,
  someOf,
  sourcePenalties,
  subsystems,
  usualPenalties,
  word,
  words,
  wordsPerLine,
  yesNo,
} from './kinds.ts'

/** A row: a keyword, what it may say, and what holds when it says nothing. `undefined` as a default means “not set”. */
export interface Keyword<T, D = T> {
  readonly name: string
  readonly kind: Kind<T>
  readonly fallback: D
  /** True when each further line adds to the list; otherwise the first line wins. */
  readonly accumulates: boolean
}

export type KeywordTable = Readonly<Record<string, Keyword<unknown, unknown>>>
/** The values a table describes, by the property names of its rows. */
export type Values<Table> = { readonly [K in keyof Table]: Table[K] extends Keyword<infer T, infer D> ? T | D : never }

const set = <T>(name: string, kind: Kind<T>, fallback: T): Keyword<T> => ({ name, kind, fallback, accumulates: false })
const unset = <T>(name: string, kind: Kind<T>): Keyword<T, undefined> => ({ name, kind, fallback: undefined, accumulates: false })
const list = <T>(name: string, kind: Kind<readonly T[]>, fallback: readonly T[] = []): Keyword<readonly T[]> => ({
  name,
  kind,
  fallback,
  accumulates: true,
})

const logLevels = choice(['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG', 'DEBUG1', 'DEBUG2', 'DEBUG3'])
const facilities = choice([
  'DAEMON',
  'USER',
  'AUTH',
  'AUTHPRIV',
  'LOCAL0',
  'LOCAL1',
  'LOCAL2',
  'LOCAL3',
  'LOCAL4',
  'LOCAL5',
  'LOCAL6',
  'LOCAL7',
])
const families = choice(['any', 'inet', 'inet6'])
const defaultRekey: RekeyLimit = { bytes: undefined, seconds: undefined }
const largest = 2 ** 31 - 1

/** What `sshd` reads. Defaults are OpenSSH's unless the row says why not. */
export const serverKeywords = {
  port: list('Port', ports, [22]),
  listenAddress: list('ListenAddress', listenAddresses),
  addressFamily: set('AddressFamily', families, 'any'),
  hostKey: list('HostKey', wordsPerLine),
  hostCertificate: list('HostCertificate', wordsPerLine),
  authorizedKeysFile: set('AuthorizedKeysFile', words, ['.ssh/authorized_keys', '.ssh/authorized_keys2']),
  trustedUserCaKeys: set('TrustedUserCAKeys', word, 'none'),
  authorizedPrincipalsFile: set('AuthorizedPrincipalsFile', word, 'none'),
  caSignatureAlgorithms: unset('CASignatureAlgorithms', algorithms),
  revokedKeys: set('RevokedKeys', word, 'none'),
  passwordAuthentication: set('PasswordAuthentication', yesNo, true),
  pubkeyAuthentication: set('PubkeyAuthentication', yesNo, true),
  pubkeyAuthOptions: set('PubkeyAuthOptions', someOf(['touch-required', 'verify-required']), []),
  kbdInteractiveAuthentication: set('KbdInteractiveAuthentication', yesNo, true),
  // PAM itself is not used; what it changes is who may log in by key: with it, also accounts whose password is locked.
  usePam: set('UsePAM', yesNo, false),
  permitRootLogin: set(
    'PermitRootLogin',
    choice(['yes', 'no', 'prohibit-password', 'forced-commands-only'], { 'without-password': 'prohibit-password' }),
    'prohibit-password',
  ),
  permitEmptyPasswords: set('PermitEmptyPasswords', yesNo, false),
  authenticationMethods: set('AuthenticationMethods', methodChains, []),
  allowUsers: list('AllowUsers', wordsPerLine),
  denyUsers: list('DenyUsers', wordsPerLine),
  maxAuthTries: set('MaxAuthTries', integer(1, largest), 6),
  loginGraceTime: set('LoginGraceTime', seconds, 120),
  maxSessions: set('MaxSessions', integer(0, largest), 10),
  // Unlike OpenSSH's, a connection that takes over a second for its first key exchange makes room before another is turned away.
  maxStartups: set('MaxStartups', maxStartups, { begin: 10, rate: 30, full: 100 }),
  perSourceMaxStartups: set('PerSourceMaxStartups', integerOrNone(1, largest), 'none'),
  perSourceNetBlockSize: set('PerSourceNetBlockSize', netBlockSize, { v4: 32, v6: 128 }),
  perSourcePenalties: set('PerSourcePenalties', sourcePenalties, usualPenalties),
  perSourcePenaltyExemptList: set('PerSourcePenaltyExemptList', commaList, ['none']),
  clientAliveInterval: set('ClientAliveInterval', seconds, 0),
  clientAliveCountMax: set('ClientAliveCountMax', integer(0, largest), 3),
  banner: set('Banner', word, 'none'),
  pidFile: set('PidFile', word, '/run/sshd.pid'),
  logLevel: set('LogLevel', logLevels, 'INFO'),
  syslogFacility: set('SyslogFacility', facilities, 'AUTH'),
  subsystem: list('Subsystem', subsystems),
  forceCommand: set('ForceCommand', restOfLine, 'none'),
  permitTty: set('PermitTTY', yesNo, true),
  printMotd: set('PrintMotd', yesNo, true),
  acceptEnv: list('AcceptEnv', wordsPerLine),
  setEnv: set('SetEnv', assignments, []),
  strictModes: set('StrictModes', yesNo, true),
  ciphers: unset('Ciphers', algorithms),
  macs: unset('MACs', algorithms),
  kexAlgorithms: unset('KexAlgorithms', algorithms),
  hostKeyAlgorithms: unset('HostKeyAlgorithms', algorithms),
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithms),
  rekeyLimit: set('RekeyLimit', rekeyLimit, defaultRekey),
  compression: set('Compression', choice(['yes', 'delayed', 'no']), 'yes'),
  tcpKeepAlive: set('TCPKeepAlive', yesNo, true),
  useDns: set('UseDNS', yesNo, false),
  versionAddendum: set('VersionAddendum', restOfLine, 'none'),
  // OpenSSH's default is 1024; nacre never takes RSA keys below 2048 bits.
  requiredRsaSize: set('RequiredRSASize', integer(1024, 16384), 2048),
  // nacre's own: how many processes serve. OpenSSH's sshd has a process for each connection and knows no such keyword.
  workers: set('Workers', integer(1, 1024), 1),
  // nacre's own: `scp -t` and `scp -f` of clients are served by nacre, so that no scp need be installed.
  internalScp: set('InternalScp', yesNo, false),
} as const satisfies KeywordTable
export type ServerConfig = Values<typeof serverKeywords>

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
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithms),
  compression: set('Compression', yesNo, false),
  connectTimeout: set('ConnectTimeout', secondsOrNone, 'none'),
  connectionAttempts: set('ConnectionAttempts', integer(1, largest), 1),
  serverAliveInterval: set('ServerAliveInterval', seconds, 0),
  serverAliveCountMax: set('ServerAliveCountMax', integer(0, largest), 3),
  tcpKeepAlive: set('TCPKeepAlive', yesNo, true),
  rekeyLimit: set('RekeyLimit', rekeyLimit, defaultRekey),
  preferredAuthentications: unset('PreferredAuthentications', commaList),
  numberOfPasswordPrompts: set('NumberOfPasswordPrompts', integer(1, largest), 3),
  passwordAuthentication: set('PasswordAuthentication', yesNo, true),
  pubkeyAuthentication: set('PubkeyAuthentication', yesNo, true),
  kbdInteractiveAuthentication: set('KbdInteractiveAuthentication', yesNo, true),
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

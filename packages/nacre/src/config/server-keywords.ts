// Owns the keywords of sshd_config: one row each, in the order in which `sshd -T` prints them, and its dialect. Adding a keyword
// is one row here. Knows nothing of syntax, and nothing of who acts on a value.
import { algorithmLists } from './algorithm-kinds.ts'
import {
  choice,
  facilities,
  families,
  integer,
  integerOrNone,
  largestNumber,
  rekeyLimit,
  seconds,
  someOf,
  word,
  wordsPerLine,
} from './kinds.ts'
import type { Dialect } from './resolve.ts'
import {
  addressList,
  channelTimeouts,
  commandByPath,
  commandLine,
  flag,
  forwardingSides,
  groupPatterns,
  listenAddresses,
  maxStartups,
  methodChains,
  netBlockSize,
  octalMode,
  permittedListens,
  permittedOpens,
  ports,
  qualityOfService,
  serverLogLevels,
  sourcePenalties,
  subsystems,
  timeoutOrNone,
  togetherPenalties,
  usualPenalties,
  userPatterns,
  variableNames,
  variables,
  wordsIfAny,
  wordsOrNone,
} from './server-kinds.ts'
import { serverCriteria } from './server-match.ts'
import { type KeywordTable, list, type RowOptions, set, unset, type Values } from './table.ts'
import { rows, unsupportedTable } from './unsupported.ts'

const globally = { onlyGlobal: true } as const
const number = integer(0, largestNumber)
/** Values other than these are said to have no effect, and why: the sentence goes on after the keyword. */
const never = <T>(because: string, ...asking: readonly T[]): Pick<RowOptions<T>, 'notInEffect'> => ({
  notInEffect: { asksNothing: value => asking.some(each => JSON.stringify(each) === JSON.stringify(value)), otherwise: 'warn', because },
})
/** Nothing acts on it yet, and to go on without it would be less safe than the file asks. */
const refused = <T>(...asking: readonly T[]): Pick<RowOptions<T>, 'notInEffect'> => ({
  notInEffect: { asksNothing: value => asking.includes(value), otherwise: 'refuse' },
})
const oneProgram = 'has no effect: nacre’s server is one program'
/** The last line counts, as OpenSSH has it for a few. */
const last = <T>(): Pick<RowOptions<T>, 'combine'> => ({ combine: (_, next) => next })

/** What `sshd` reads. Defaults are OpenSSH's unless the row says why not. */
export const serverKeywords = {
  port: list('Port', ports, [22], globally),
  addressFamily: set('AddressFamily', families, 'any', globally),
  listenAddress: list('ListenAddress', listenAddresses, [], globally),
  // PAM itself is not used; what it changes is who may log in by key: with it, also accounts whose password is locked.
  usePam: set('UsePAM', flag, false, globally),
  // Told to AuthenticationCommand; where PAM itself is asked for, UsePAM has its own word.
  pamServiceName: set('PAMServiceName', word, 'sshd'),
  loginGraceTime: set('LoginGraceTime', seconds, 120, globally),
  x11DisplayOffset: set('X11DisplayOffset', number, 10),
  maxAuthTries: set('MaxAuthTries', number, 6),
  maxSessions: set('MaxSessions', number, 10),
  clientAliveInterval: set('ClientAliveInterval', seconds, 0),
  clientAliveCountMax: set('ClientAliveCountMax', number, 3),
  // OpenSSH's default is 1024; nacre never takes RSA keys below 2048 bits.
  requiredRsaSize: set('RequiredRSASize', number, 2048),
  streamLocalBindMask: set('StreamLocalBindMask', octalMode, 0o177, last()),
  unusedConnectionTimeout: set('UnusedConnectionTimeout', timeoutOrNone, 0, {
    // `none` counts wherever it stands, also after a time.
    combine: (soFar, next) => (soFar === undefined || next === 0 ? next : soFar),
  }),
  permitRootLogin: set(
    'PermitRootLogin',
    choice(['yes', 'no', 'prohibit-password', 'forced-commands-only'], { 'without-password': 'prohibit-password' }),
    'prohibit-password',
  ),
  ignoreRhosts: set('IgnoreRhosts', choice(['yes', 'no', 'shosts-only']), 'yes'),
  ignoreUserKnownHosts: set('IgnoreUserKnownHosts', flag, false, globally),
  hostbasedAuthentication: set('HostbasedAuthentication', flag, false),
  hostbasedUsesNameFromPacketOnly: set('HostbasedUsesNameFromPacketOnly', flag, false),
  pubkeyAuthentication: set('PubkeyAuthentication', flag, true, { oldNames: ['DSAAuthentication'] }),
  passwordAuthentication: set('PasswordAuthentication', flag, true),
  kbdInteractiveAuthentication: set('KbdInteractiveAuthentication', flag, true, {
    oldNames: ['ChallengeResponseAuthentication', 'SkeyAuthentication'],
  }),
  printMotd: set('PrintMotd', flag, true, globally),
  printLastLog: set('PrintLastLog', flag, true, {
    ...globally,
    ...never('has no effect: nacre keeps no record of logins, so there is no last one to show', false),
  }),
  x11Forwarding: set('X11Forwarding', flag, false),
  x11UseLocalhost: set('X11UseLocalhost', flag, true),
  permitTty: set('PermitTTY', flag, true),
  permitUserRc: set('PermitUserRC', flag, true),
  strictModes: set('StrictModes', flag, true, globally),
  tcpKeepAlive: set('TCPKeepAlive', flag, true, { ...globally, oldNames: ['KeepAlive'] }),
  permitEmptyPasswords: set('PermitEmptyPasswords', flag, false),
  compression: set('Compression', choice(['yes', 'no'], { delayed: 'yes' }), 'yes', globally),
  gatewayPorts: set('GatewayPorts', choice(['yes', 'no', 'clientspecified']), 'no'),
  useDns: set('UseDNS', flag, false, globally),
  allowTcpForwarding: set('AllowTcpForwarding', forwardingSides, 'yes'),
  allowAgentForwarding: set('AllowAgentForwarding', flag, true),
  disableForwarding: set('DisableForwarding', flag, false),
  allowStreamLocalForwarding: set('AllowStreamLocalForwarding', forwardingSides, 'yes'),
  streamLocalBindUnlink: set('StreamLocalBindUnlink', flag, false),
  fingerprintHash: set('FingerprintHash', choice(['SHA256', 'MD5', 'SHA1', 'SHA384', 'SHA512']), 'SHA256', { ...globally, ...last() }),
  exposeAuthInfo: set('ExposeAuthInfo', flag, false),
  refuseConnection: set('RefuseConnection', flag, false),
  pidFile: set('PidFile', word, '/run/sshd.pid', globally),
  // Read when it is named; without it the groups are those of RFC 3526.
  moduliFile: set('ModuliFile', word, '/etc/ssh/moduli', globally),
  xauthLocation: set('XAuthLocation', word, '/usr/bin/xauth', globally),
  ciphers: unset('Ciphers', algorithmLists.cipherNames, { ...globally, everywhere: true }),
  macs: unset('MACs', algorithmLists.macNames, { ...globally, everywhere: true }),
  banner: set('Banner', word, 'none'),
  forceCommand: set('ForceCommand', commandLine, 'none'),
  chrootDirectory: set('ChrootDirectory', word, 'none', refused('none')),
  trustedUserCaKeys: set('TrustedUserCAKeys', word, 'none'),
  securityKeyProvider: set('SecurityKeyProvider', word, 'internal', {
    ...globally,
    ...never('has no effect: host keys of security keys need no library here; HostKeyAgent can hold them', 'internal'),
  }),
  authorizedPrincipalsFile: set('AuthorizedPrincipalsFile', word, 'none'),
  versionAddendum: set('VersionAddendum', commandLine, 'none', globally),
  authorizedKeysCommand: set('AuthorizedKeysCommand', commandByPath, 'none'),
  authorizedKeysCommandUser: set('AuthorizedKeysCommandUser', word, 'none'),
  authorizedPrincipalsCommand: set('AuthorizedPrincipalsCommand', commandByPath, 'none'),
  authorizedPrincipalsCommandUser: set('AuthorizedPrincipalsCommandUser', word, 'none'),
  hostKeyAgent: set('HostKeyAgent', word, 'none', globally),
  kexAlgorithms: unset('KexAlgorithms', algorithmLists.keyExchangeNames, { ...globally, everywhere: true }),
  caSignatureAlgorithms: unset('CASignatureAlgorithms', algorithmLists.authoritySignatures),
  hostbasedAcceptedAlgorithms: unset('HostbasedAcceptedAlgorithms', algorithmLists.signatures, {
    oldNames: ['HostBasedAcceptedKeyTypes'],
  }),
  hostKeyAlgorithms: unset('HostKeyAlgorithms', algorithmLists.signatures, globally),
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithmLists.signatures, { oldNames: ['PubkeyAcceptedKeyTypes'] }),
  // sshd's two helper programs: nacre's server is one program.
  sshdSessionPath: unset('SshdSessionPath', word, { ...globally, ...never(oneProgram) }),
  sshdAuthPath: unset('SshdAuthPath', word, { ...globally, ...never(oneProgram) }),
  perSourcePenaltyExemptList: set('PerSourcePenaltyExemptList', addressList, 'none', globally),
  logLevel: set('LogLevel', serverLogLevels, 'INFO'),
  syslogFacility: set('SyslogFacility', facilities, 'AUTH', { ...globally, everywhere: true }),
  authorizedKeysFile: set('AuthorizedKeysFile', wordsOrNone, ['.ssh/authorized_keys', '.ssh/authorized_keys2']),
  revokedKeys: set('RevokedKeys', wordsIfAny, []),
  hostKey: list('HostKey', wordsPerLine, [], { ...globally, oldNames: ['HostDSAKey'] }),
  hostCertificate: list('HostCertificate', wordsPerLine, [], globally),
  allowUsers: list('AllowUsers', userPatterns),
  denyUsers: list('DenyUsers', userPatterns),
  allowGroups: list('AllowGroups', groupPatterns),
  denyGroups: list('DenyGroups', groupPatterns),
  acceptEnv: list('AcceptEnv', variableNames),
  setEnv: set('SetEnv', variables, []),
  authenticationMethods: set('AuthenticationMethods', methodChains, []),
  logVerbose: set(
    'LogVerbose',
    wordsOrNone,
    [],
    never<readonly string[]>('has no effect: its patterns name lines of OpenSSH’s own source', [], ['none']),
  ),
  channelTimeout: set('ChannelTimeout', channelTimeouts, []),
  subsystem: list('Subsystem', subsystems, [], {
    // Of a name the first line counts.
    combine: (soFar, next) => [...(soFar ?? []), ...next.filter(({ name }) => soFar?.some(each => each.name === name) !== true)],
  }),
  // Unlike OpenSSH's, a connection that takes over a second for its first key exchange makes room before another is turned away.
  maxStartups: set('MaxStartups', maxStartups, { begin: 10, rate: 30, full: 100 }, globally),
  perSourceMaxStartups: set('PerSourceMaxStartups', integerOrNone(1, largestNumber), 'none', globally),
  perSourceNetBlockSize: set('PerSourceNetBlockSize', netBlockSize, { v4: 32, v6: 128 }, globally),
  permitTunnel: set('PermitTunnel', choice(['no', 'point-to-point', 'ethernet', 'yes']), 'no'),
  ipQos: set('IPQoS', qualityOfService, ['ef', 'cs0']),
  // 0 is the usual of the cipher, and no limit of time.
  rekeyLimit: set('RekeyLimit', rekeyLimit, { bytes: 0, seconds: 0 }),
  permitOpen: set('PermitOpen', permittedOpens, ['any']),
  permitListen: set('PermitListen', permittedListens, ['any']),
  // `yes`, `no`, or patterns for the names of variables.
  permitUserEnvironment: set('PermitUserEnvironment', word, 'no', globally),
  pubkeyAuthOptions: set('PubkeyAuthOptions', someOf(['touch-required', 'verify-required']), []),
  perSourcePenalties: set('PerSourcePenalties', sourcePenalties, usualPenalties, {
    ...globally,
    combine: (_, __, by) => togetherPenalties(by),
  }),
  // nacre's own: how many processes serve. OpenSSH's sshd has a process for each connection and knows no such keyword.
  workers: set('Workers', integer(1, 1024), 1, globally),
  // nacre's own: `scp -t` and `scp -f` of clients are served by nacre, so that no scp need be installed.
  internalScp: set('InternalScp', flag, false),
  // nacre's own: a program that checks passwords and accounts instead of shadow(5).
  authenticationCommand: set('AuthenticationCommand', commandByPath, 'none'),
  authenticationCommandUser: set('AuthenticationCommandUser', word, 'none'),
  // nacre's own: lines of text, or a JSON object a line.
  logFormat: set('LogFormat', choice(['text', 'json']), 'text', globally),
} as const satisfies KeywordTable
export type ServerConfig = Values<typeof serverKeywords>

/** Keywords nacre knows and does not act on, and that an sshd without those features does not print; their lines are kept as words. */
const serverUnsupported = unsupportedTable([
  ...rows(
    'ignore',
    'GSSAPICleanupCredentials GSSAPIDelegateCredentials GSSAPIStrictAcceptorCheck GSSAPIStoreCredentialsOnRekey DebianBanner KerberosOrLocalPasswd KerberosTicketCleanup KerberosGetAFSToken',
  ),
  ...rows('warn', 'KerberosAuthentication=no', 'is not in effect: there is no Kerberos here'),
  ...rows('warn', 'GSSAPIAuthentication=no GSSAPIKeyExchange=no', 'is not in effect: there is no mechanism of GSS-API here'),
  ...rows('refuse', 'RDomain=none'),
])

const deprecated =
  'serverkeybits keyregenerationinterval rhostsauthentication rhostsrsaauthentication rsaauthentication checkmail uselogin verifyreversemapping reversemappingcheck authorizedkeysfile2 useprivilegeseparation kerberostgtpassing afstokenpassing pamauthenticationviakbdint'

/** How sshd_config is read. */
export const serverDialect: Dialect = {
  table: { ...serverUnsupported, ...serverKeywords },
  match: serverCriteria,
  meaningless: new Map([...deprecated.split(' ').map(name => [name, 'deprecated'] as const), ['protocol', 'silent']]),
}

// Owns the keywords of sshd_config: one row each, and its dialect. Adding a keyword is one row here. Knows nothing of
// syntax, and nothing of who acts on a value.
import {
  algorithms,
  assignments,
  choice,
  commaList,
  integer,
  listenAddresses,
  integerOrNone,
  maxStartups,
  methodChains,
  netBlockSize,
  ports,
  rekeyLimit,
  restOfLine,
  seconds,
  someOf,
  sourcePenalties,
  subsystems,
  usualPenalties,
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
  pubkeyAuthentication: set('PubkeyAuthentication', yesNo, true, { oldNames: ['DSAAuthentication'] }),
  pubkeyAuthOptions: set('PubkeyAuthOptions', someOf(['touch-required', 'verify-required']), []),
  kbdInteractiveAuthentication: set('KbdInteractiveAuthentication', yesNo, true, {
    oldNames: ['ChallengeResponseAuthentication', 'SkeyAuthentication'],
  }),
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
  maxAuthTries: set('MaxAuthTries', integer(1, largestNumber), 6),
  loginGraceTime: set('LoginGraceTime', seconds, 120),
  maxSessions: set('MaxSessions', integer(0, largestNumber), 10),
  // Unlike OpenSSH's, a connection that takes over a second for its first key exchange makes room before another is turned away.
  maxStartups: set('MaxStartups', maxStartups, { begin: 10, rate: 30, full: 100 }),
  perSourceMaxStartups: set('PerSourceMaxStartups', integerOrNone(1, largestNumber), 'none'),
  perSourceNetBlockSize: set('PerSourceNetBlockSize', netBlockSize, { v4: 32, v6: 128 }),
  perSourcePenalties: set('PerSourcePenalties', sourcePenalties, usualPenalties),
  perSourcePenaltyExemptList: set('PerSourcePenaltyExemptList', commaList, ['none']),
  clientAliveInterval: set('ClientAliveInterval', seconds, 0),
  clientAliveCountMax: set('ClientAliveCountMax', integer(0, largestNumber), 3),
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
  pubkeyAcceptedAlgorithms: unset('PubkeyAcceptedAlgorithms', algorithms, { oldNames: ['PubkeyAcceptedKeyTypes'] }),
  rekeyLimit: set('RekeyLimit', rekeyLimit, { bytes: undefined, seconds: undefined }),
  compression: set('Compression', choice(['yes', 'delayed', 'no']), 'yes'),
  tcpKeepAlive: set('TCPKeepAlive', yesNo, true, { oldNames: ['KeepAlive'] }),
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

const gssapi =
  'GSSAPIAuthentication=no GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck GSSAPIKeyExchange=no GSSAPIStoreCredentialsOnRekey'

/** Keywords nacre knows and does not act on; their lines are kept as words. */
const serverUnsupported = unsupportedTable([
  ...rows(
    'ignore',
    `IPQoS FingerprintHash LogVerbose ModuliFile X11DisplayOffset X11UseLocalhost XAuthLocation StreamLocalBindMask
     StreamLocalBindUnlink SecurityKeyProvider ExposeAuthInfo=no PrintLastLog IgnoreRhosts IgnoreUserKnownHosts
     HostbasedUsesNameFromPacketOnly HostbasedAcceptedAlgorithms HostbasedAcceptedKeyTypes DebianBanner
     KerberosOrLocalPasswd KerberosTicketCleanup KerberosGetAFSToken SshdSessionPath SshdAuthPath DisableForwarding`,
  ),
  ...rows(
    'warn',
    `X11Forwarding=no AllowTcpForwarding=no AllowAgentForwarding=no AllowStreamLocalForwarding=no GatewayPorts=no
     PermitTunnel=no PermitUserRC=no PermitUserEnvironment=no HostbasedAuthentication=no KerberosAuthentication=no ${gssapi}
     HostKeyAgent=none AuthorizedPrincipalsCommandUser AuthorizedKeysCommand=none AuthorizedKeysCommandUser
     PermitOpen PermitListen`,
  ),
  ...rows(
    'refuse',
    `AllowGroups DenyGroups AuthorizedPrincipalsCommand=none ChrootDirectory=none RDomain=none
     ChannelTimeout=none UnusedConnectionTimeout=none RefuseConnection=no`,
  ),
])

const deprecated = `protocol rsaauthentication rhostsrsaauthentication rhostsauthentication useprivilegeseparation keyregenerationinterval
   serverkeybits uselogin authorizedkeysfile2 pamauthenticationviakbdint checkmail`

/** How sshd_config is read. Of `Match` blocks there is `all`. */
export const serverDialect: Dialect = {
  table: { ...serverUnsupported, ...serverKeywords },
  match: { criteria: {}, negation: false, beforeAll: 0 },
  meaningless: new Map(deprecated.split(/\s+/).map(name => [name, 'deprecated'])),
}

// Owns the keywords OpenSSH knows and this version does not act on, and what becomes of each. A feature that is merely
// missing is a warning; a restriction or another route that would silently not apply is refused. Knows nothing of syntax.

/** A keyword that has no effect here. */
export interface UnsupportedKeyword {
  readonly name: string
  /** Values that ask for what happens anyway; always fine. */
  readonly off: readonly string[]
  /**
   * With any other value: `ignore` says nothing, `warn` says that it has no effect, `refuse` is an error because going on
   * would be less safe, or would go elsewhere, than the file asks.
   */
  readonly otherwise: 'ignore' | 'warn' | 'refuse'
}

const rows = (otherwise: UnsupportedKeyword['otherwise'], names: string): readonly UnsupportedKeyword[] =>
  names
    .trim()
    .split(/\s+/)
    .map(each => {
      const [name, off] = each.split('=')
      return { name, off: off === undefined ? [] : off.split('|'), otherwise }
    })

/** Old names and what they are called now. */
export const serverRenamed: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'KbdInteractiveAuthentication',
  skeyauthentication: 'KbdInteractiveAuthentication',
  pubkeyacceptedkeytypes: 'PubkeyAcceptedAlgorithms',
  dsaauthentication: 'PubkeyAuthentication',
  keepalive: 'TCPKeepAlive',
}

export const clientRenamed: Readonly<Record<string, string>> = {
  challengeresponseauthentication: 'KbdInteractiveAuthentication',
  skeyauthentication: 'KbdInteractiveAuthentication',
  tisauthentication: 'KbdInteractiveAuthentication',
  pubkeyacceptedkeytypes: 'PubkeyAcceptedAlgorithms',
  dsaauthentication: 'PubkeyAuthentication',
  keepalive: 'TCPKeepAlive',
}

/** Keywords that mean nothing any more, to OpenSSH either. */
export const deprecated: ReadonlySet<string> = new Set(
  `protocol rsaauthentication rhostsrsaauthentication rhostsauthentication useprivilegeseparation keyregenerationinterval
   serverkeybits uselogin authorizedkeysfile2 cipher compressionlevel useroaming usersh fallbacktorsh globalknownhostsfile2
   userknownhostsfile2 pamauthenticationviakbdint checkmail`
    .trim()
    .split(/\s+/),
)

const gssapi =
  'GSSAPIAuthentication=no GSSAPICleanupCredentials GSSAPIStrictAcceptorCheck GSSAPIKeyExchange=no GSSAPIStoreCredentialsOnRekey'

export const serverUnsupported: readonly UnsupportedKeyword[] = [
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
]

export const clientUnsupported: readonly UnsupportedKeyword[] = [
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
]

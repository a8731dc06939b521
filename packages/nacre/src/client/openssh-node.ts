// Owns what a client on Node uses when nobody says otherwise: known_hosts, the agent at SSH_AUTH_SOCK, the usual key files.
// Knows where OpenSSH keeps things, not what is in them.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { choose } from '../algorithms/preference.ts'
import { algorithmsOfKeyType, signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { AlgorithmOptions } from '../engine/assemble.ts'
import { withCertificates } from '../keys/certificate-names.ts'
import type { PublicKey } from '../keys/public.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { Doubts } from './doubts-node.ts'
import { machineIdentity } from './host-keys-node.ts'
import { credentials, type CredentialOptions } from './identities.ts'
import { knownHosts } from './known-hosts-node.ts'
import type { KnownHostsOptions, SshfpResolver } from './known-hosts-options.ts'
import { collectSigners, type LoginKeyOptions } from './login-keys-node.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'
import { sshfpResolver } from './sshfp-resolver-node.ts'

export interface OpensshOptions extends Omit<CredentialOptions, 'signers'>, LoginKeyOptions {
  /** The user's known_hosts files. Default `~/.ssh/known_hosts` and `~/.ssh/known_hosts2`. */
  readonly knownHostsFiles?: readonly string[]
  /** Those of the system. Default the two in `/etc/ssh`, or none where `knownHostsFiles` says which are meant. */
  readonly globalKnownHostsFiles?: readonly string[]
  /** Known hosts from elsewhere, beside the files. */
  readonly knownHostsCommand?: KnownHostsOptions['command']
  readonly strictHostKeyChecking?: KnownHostsOptions['strict']
  /** Asked about the key of an unknown host. */
  readonly askHostKey?: KnownHostsOptions['ask']
  /** Asked for a yes or no about other matters of host keys. */
  readonly confirm?: KnownHostsOptions['confirm']
  readonly hashKnownHosts?: boolean
  readonly hostKeyAlias?: string
  /** Look the server's address up beside its name. Default false. */
  readonly checkHostIp?: boolean
  /** Take whatever key a server at a loopback address shows. Default false. */
  readonly noHostAuthenticationForLocalhost?: boolean
  /** Look for fingerprints in DNS; `yes` trusts those that DNSSEC proves. Default `no`. */
  readonly verifyHostKeyDns?: 'yes' | 'ask' | 'no'
  /** Who asks DNS. Default the name servers of the system. */
  readonly sshfpResolver?: SshfpResolver
  /**
   * Learn new host keys of a known server, and forget those it no longer has. Default `yes` where the user's files are the usual
   * ones and DNS is not asked, else `no`.
   */
  readonly updateHostKeys?: KnownHostsOptions['update']
  readonly onRemembered?: KnownHostsOptions['onRemembered']
  /** Told which line made the host known. */
  readonly onKnownHost?: KnownHostsOptions['onKnown']
  /** Told in words what should be seen before going on. */
  readonly onWarning?: (warning: string) => void
  /** Host keys are only learned if they are of a kind that `hostKey` has. */
  readonly algorithms?: AlgorithmOptions
  /** The algorithms an authority may sign host certificates with. Default: all that are not insecure. */
  readonly authorityAlgorithms?: KnownHostsOptions['authorityAlgorithms']
  /** Files of keys no host may have: a revocation list each, or public keys, one a line. */
  readonly revokedHostKeys?: KnownHostsOptions['revoked']
  /** Have this machine vouch for us with its keys, by `algorithms.hostbasedAccepted`. Default false. */
  readonly hostbasedAuthentication?: boolean
}

const usualKnownHosts = (): readonly string[] => [join(homedir(), '.ssh', 'known_hosts'), join(homedir(), '.ssh', 'known_hosts2')]
const usualOfSystem = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']

/** Files that somebody chose may be shared or made by a program, so only the usual ones are changed unasked. */
const usualUpdate = ({ knownHostsFiles: files, verifyHostKeyDns: dns = 'no' }: OpensshOptions): 'yes' | 'no' =>
  dns === 'no' && (files === undefined || (files.length === 1 && files[0] === usualKnownHosts()[0])) ? 'yes' : 'no'

/** Host keys of the kinds we would take in a key exchange. */
const acceptable = (choice: AlgorithmOptions['hostKey']): ((key: PublicKey) => boolean) => {
  const names = choose('host key algorithm', withCertificates(signatureAlgorithms), choice)
  return key => algorithmsOfKeyType(key.type).some(name => names.includes(name))
}

/** This machine, where it is to vouch for us and nobody said which keys do. */
const vouchedFor = ({ hostbasedAuthentication, hostBased, algorithms, onNote }: OpensshOptions): Pick<CredentialOptions, 'hostBased'> => {
  if (hostbasedAuthentication !== true || hostBased !== undefined) return {}
  const names = choose('signature algorithm', withCertificates(signatureAlgorithms), algorithms?.hostbasedAccepted)
  return { hostBased: machineIdentity({ algorithms: names, onNote }) }
}

/** Policy and identities as OpenSSH's client has them by default, for `host` and `port`. Reads known_hosts now, keys when needed. */
export const openssh = async (
  host: string,
  port: number,
  options: OpensshOptions = {},
): Promise<{ readonly hostKey: HostKeyPolicy; readonly identities: Identities }> => {
  const dns = options.verifyHostKeyDns ?? 'no'
  const doubts = new Doubts()
  const kept: OpensshOptions = {
    ...options,
    onNote(note) {
      doubts.note(note)
      options.onNote?.(note)
    },
  }
  const known = await knownHosts({
    files: options.knownHostsFiles ?? usualKnownHosts(),
    globalFiles: options.globalKnownHostsFiles ?? (options.knownHostsFiles === undefined ? usualOfSystem : []),
    update: options.updateHostKeys ?? usualUpdate(options),
    accepts: acceptable(options.algorithms?.hostKey),
    ...(options.knownHostsCommand === undefined ? {} : { command: options.knownHostsCommand }),
    ...(options.confirm === undefined ? {} : { confirm: options.confirm }),
    ...(options.checkHostIp === undefined ? {} : { checkAddress: options.checkHostIp }),
    ...(options.noHostAuthenticationForLocalhost === undefined ? {} : { trustLoopback: options.noHostAuthenticationForLocalhost }),
    ...(dns === 'no' ? {} : { dns: { resolve: options.sshfpResolver ?? sshfpResolver(), advisory: dns === 'ask' } }),
    ...(options.fingerprintHash === undefined ? {} : { fingerprintHash: options.fingerprintHash }),
    ...(options.onKnownHost === undefined ? {} : { onKnown: options.onKnownHost }),
    ...(options.onWarning === undefined ? {} : { onWarning: options.onWarning }),
    ...(options.strictHostKeyChecking === undefined ? {} : { strict: options.strictHostKeyChecking }),
    ...(options.askHostKey === undefined ? {} : { ask: options.askHostKey }),
    ...(options.hashKnownHosts === undefined ? {} : { hash: options.hashKnownHosts }),
    ...(options.hostKeyAlias === undefined ? {} : { alias: options.hostKeyAlias }),
    ...(options.onRemembered === undefined ? {} : { onRemembered: options.onRemembered }),
    ...(options.authorityAlgorithms === undefined ? {} : { authorityAlgorithms: options.authorityAlgorithms }),
    ...(options.revokedHostKeys === undefined ? {} : { revoked: options.revokedHostKeys }),
    ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
    ...(options.onNote === undefined ? {} : { onNote: options.onNote }),
  })
  const signers = async (proof: SessionProof | undefined): ReturnType<typeof collectSigners> => {
    const collected = await collectSigners(kept, proof)
    doubts.offered(collected)
    return collected
  }
  return {
    hostKey: known.policy,
    identities: {
      preferHostKeys: await known.preferredAlgorithms(host, port),
      ...doubts.toldBy(credentials({ ...options, ...vouchedFor(kept), signers })),
    },
  }
}

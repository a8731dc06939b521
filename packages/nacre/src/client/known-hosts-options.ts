// Owns what may be said about trusting hosts: the options of the usual policy and the questions it asks. Knows no files.
import type { FingerprintHash } from '../keys/fingerprint.ts'
import type { PublicKey } from '../keys/public.ts'
import type { SshfpRecord } from '../keys/sshfp.ts'
import type { HostKeyPolicy, PresentedHostKey } from './policy.ts'

/** The fingerprints of a host's keys in DNS (RFC 4255). */
export interface SshfpAnswer {
  readonly records: readonly SshfpRecord[]
  /** A resolver that may be believed says that DNSSEC proves them. */
  readonly secure: boolean
}

/** Looks the records of a host up. Rejects when it cannot; then nothing is known. */
export type SshfpResolver = (host: string) => Promise<SshfpAnswer>

/** What a command for known hosts is asked (KnownHostsCommand). */
export interface KnownHostsQuestion {
  /** `ORDER`: before the connection, for the order of algorithms; then for the name, and for the address. */
  readonly invocation: 'ORDER' | 'HOSTNAME' | 'ADDRESS'
  /** What is looked up, as a line names it: `host` or `[host]:port`. */
  readonly name: string
  /** The key the host showed; `undefined` for `ORDER`. */
  readonly key: PublicKey | undefined
}

/** Lines of known_hosts from elsewhere. Rejects when there are none to be had, which refuses the host. */
export type KnownHostsSource = (question: KnownHostsQuestion) => Promise<string>

/** A key of a host nobody knows, and what might help to decide. */
export interface UnknownHostKey extends PresentedHostKey {
  /** Where other hosts stand with this very key. */
  readonly otherNames: readonly { readonly file: string; readonly line: number; readonly names: string }[]
  /** What DNS says of the key, if it was asked: it only counts for itself where DNSSEC proves it. */
  readonly dns: 'matching' | 'differing' | undefined
}

/** A key that is known, and by which line. */
export interface KnownHostKey extends PresentedHostKey {
  /** The file, or where else the line is from. */
  readonly file: string
  readonly line: number
}

export interface KnownHostsOptions {
  /** The user's files, read in order; new keys go into the first. Without one nothing can be remembered, and unknown hosts are refused. */
  readonly files: readonly string[]
  /** Files of the system, read after those and never written (GlobalKnownHostsFile). */
  readonly globalFiles?: readonly string[]
  /** Asked beside the files (KnownHostsCommand); see `knownHostsCommand`. */
  readonly command?: KnownHostsSource
  /**
   * What becomes of a key that is not the known one (StrictHostKeyChecking). `ask`, the default, has `ask` decide about an
   * unknown host, and refuses it where nobody can be asked; `yes` refuses it; `accept-new` remembers it. In all three a changed or
   * revoked key is refused. `no` remembers an unknown one, and goes on with a changed or revoked one, untrusted: without
   * passwords, prompts and forwarding.
   */
  readonly strict?: 'ask' | 'yes' | 'accept-new' | 'no'
  /** Asked about an unknown key; `true` remembers it. */
  readonly ask?: (unknown: UnknownHostKey) => boolean | Promise<boolean>
  /** Asked for a yes or no in words: about an address whose key differs, and about new host keys with `update: 'ask'`. */
  readonly confirm?: (question: string) => boolean | Promise<boolean>
  /** Write host names hashed. Default false. */
  readonly hash?: boolean
  /** The name keys are looked up by instead of the host (HostKeyAlias). */
  readonly alias?: string
  /** Look the address up too, where it is no loopback address, and remember it (CheckHostIP). Default false. */
  readonly checkAddress?: boolean
  /** Take whatever key a server at a loopback address shows (NoHostAuthenticationForLocalhost). Default false. */
  readonly trustLoopback?: boolean
  /** Files of keys no host may have (RevokedHostKeys): a revocation list, or public keys, one a line. */
  readonly revoked?: string | readonly string[]
  /**
   * Ask DNS for fingerprints (VerifyHostKeyDNS). A secure match is trusted without any file unless `advisory`; all else is only
   * told.
   */
  readonly dns?: { readonly resolve: SshfpResolver; readonly advisory?: boolean }
  /** Learn the other keys of a server we know, and forget those it no longer has (UpdateHostKeys). Default `no`. */
  readonly update?: 'yes' | 'ask' | 'no'
  /** Whether a key that a server announces is of a kind we would take (HostKeyAlgorithms). Default: all are. */
  readonly accepts?: (key: PublicKey) => boolean
  /** The algorithms an authority may sign certificates with. Default: all that are not insecure. */
  readonly authorityAlgorithms?: readonly string[]
  /** Authorities with RSA keys below this are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** How fingerprints are written in messages (FingerprintHash). Default SHA-256. */
  readonly fingerprintHash?: FingerprintHash
  /** Told in words what should be seen: a dangerous key we go on with, a file that cannot be written. */
  readonly onWarning?: (warning: string) => void
  /** Told in words what explains a decision. */
  readonly onNote?: (note: string) => void
  /** Told which line made the key known. */
  readonly onKnown?: (known: KnownHostKey) => void
  /** Told what was remembered, and under which names. */
  readonly onRemembered?: (presented: PresentedHostKey, file: string, names: string) => void
}

/** Policy and, for the order of negotiation, what is already known of a host. */
export interface KnownHosts {
  readonly policy: HostKeyPolicy
  /** Host key algorithms that ask for keys known from files. */
  knownTypes(host: string, port: number): readonly string[]
  /** The same with those of the command. */
  preferredAlgorithms(host: string, port: number): Promise<readonly string[]>
}

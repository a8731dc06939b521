// Owns every error a user of the library can meet: one base with a stable `code`, a class only where a
// caller acts differently. Knows nothing of sockets, keys or packets: it is given names and texts.
// Text that came from a peer must pass through `escapeForPeople` before it enters a message.

/** Disconnect reasons by their RFC 4250 §4.2.2 number. */
export const disconnectReasons = {
  'host-not-allowed-to-connect': 1,
  'protocol-error': 2,
  'key-exchange-failed': 3,
  reserved: 4,
  'mac-error': 5,
  'compression-error': 6,
  'service-not-available': 7,
  'protocol-version-not-supported': 8,
  'host-key-not-verifiable': 9,
  'connection-lost': 10,
  'by-application': 11,
  'too-many-connections': 12,
  'auth-cancelled-by-user': 13,
  'no-more-auth-methods-available': 14,
  'illegal-user-name': 15,
} as const
export type DisconnectReason = keyof typeof disconnectReasons

/** The name of a reason number a peer sent, or `undefined` for one RFC 4250 does not list. */
export const disconnectReasonName = (reason: number): DisconnectReason | undefined =>
  (Object.keys(disconnectReasons) as DisconnectReason[]).find(name => disconnectReasons[name] === reason)

/**
 * Every way in which a peer can break the protocol. Each has a hostile test and the disconnect reason we send.
 * The rule broken is cited where the violation is raised.
 */
export const violations = {
  'identification-malformed': 'protocol-version-not-supported',
  'identification-too-long': 'protocol-version-not-supported',
  'identification-version': 'protocol-version-not-supported',
  'packet-too-short': 'protocol-error',
  'packet-too-long': 'protocol-error',
  'packet-misaligned': 'protocol-error',
  'padding-too-short': 'protocol-error',
  'padding-too-long': 'protocol-error',
  'payload-empty': 'protocol-error',
  'integrity-check-failed': 'mac-error',
  'decompression-failed': 'compression-error',
  'inflated-too-large': 'compression-error',
  'malformed-message': 'protocol-error',
  'message-wrong-role': 'protocol-error',
  'message-before-its-phase': 'protocol-error',
  'message-after-its-phase': 'protocol-error',
  'message-during-key-exchange': 'protocol-error',
  'message-in-strict-key-exchange': 'protocol-error',
  'message-unexpected': 'protocol-error',
  'sequence-number-wrapped': 'protocol-error',
  'rekey-too-late': 'protocol-error',
  'no-common-algorithm': 'key-exchange-failed',
  'key-exchange-value-invalid': 'key-exchange-failed',
  'group-out-of-bounds': 'key-exchange-failed',
  'host-key-wrong-type': 'key-exchange-failed',
  'host-key-malformed': 'key-exchange-failed',
  'host-key-too-weak': 'host-key-not-verifiable',
  'host-key-signature-invalid': 'key-exchange-failed',
  'service-unknown': 'service-not-available',
  'too-many-auth-attempts': 'no-more-auth-methods-available',
  'auth-request-limit': 'protocol-error',
  'auth-user-malformed': 'illegal-user-name',
  'auth-host-key-wrong': 'protocol-error',
  'channel-unknown': 'protocol-error',
  'channel-state': 'protocol-error',
  'channel-packet-too-large': 'protocol-error',
  'channel-window-exceeded': 'protocol-error',
  'channel-window-overflow': 'protocol-error',
  'channel-packet-size-too-small': 'protocol-error',
  'channel-reply-unexpected': 'protocol-error',
  'global-reply-unexpected': 'protocol-error',
  'too-many-pending-requests': 'protocol-error',
  'extension-info-malformed': 'protocol-error',
} as const satisfies Record<string, DisconnectReason>
export type Violation = keyof typeof violations

/**
 * Makes text from a peer safe to show: control characters, bidirectional overrides, other format characters and those that
 * are drawn as nothing (fillers, variation selectors) become visible escapes, and the text is cut at `limit` characters. Line breaks are escaped too unless `lines`.
 */
export const escapeForPeople = (text: string, options: { limit?: number; lines?: boolean } = {}): string => {
  const limit = options.limit ?? 1000
  let shown = ''
  let count = 0
  for (const character of text) {
    if (count++ >= limit) return `${shown}…`
    const code = character.codePointAt(0) as number
    if (options.lines && (code === 0x0a || code === 0x09)) shown += character
    else if (options.lines && code === 0x0d) continue
    else if (code === 0x5c) shown += '\\\\'
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) shown += `\\x${code.toString(16).padStart(2, '0')}`
    else if (/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u.test(character)) shown += `\\u{${code.toString(16)}}`
    else shown += character
  }
  return shown
}

/** Base of every error nacre raises on purpose. `code` is stable; `message` is for people. */
export class SshError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/**
 * Makes an error without a stack, for ends that are nobody's mistake: theirs would show the event loop, and taking it costs
 * more than all else that an ordinary end does.
 */
export const withoutStack = <E extends Error>(make: () => E): E => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Bytes did not have the shape their declaration asks for. Becomes a `ProtocolError` when a peer sent them. */
export class WireError extends SshError {
  constructor(message: string, options?: ErrorOptions) {
    super('WIRE', message, options)
  }
}

/** No connection could be made. `host` and `port` say to where. */
export class ConnectError extends SshError {
  readonly host: string
  readonly port: number
  constructor(
    code: 'CONNECT_FAILED' | 'CONNECT_TIMEOUT' | 'NOT_SSH',
    message: string,
    to: { host: string; port: number },
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.host = to.host
    this.port = to.port
  }
}

export interface ProtocolErrorDetails {
  /** RFC name of the message that broke the rule, when there was one. */
  readonly messageName?: string
  /** Sequence number of the packet, when there was one. */
  readonly sequence?: number
}

/** The peer broke a rule. `reason` is the disconnect reason we sent. */
export class ProtocolError extends SshError {
  readonly violation: Violation
  readonly reason: DisconnectReason
  readonly messageName: string | undefined
  readonly sequence: number | undefined
  constructor(violation: Violation, message: string, details: ProtocolErrorDetails = {}, options?: ErrorOptions) {
    super(`PROTOCOL_${violation.toUpperCase().replaceAll('-', '_')}`, message, options)
    this.violation = violation
    this.reason = violations[violation]
    this.messageName = details.messageName
    this.sequence = details.sequence
  }
}

/** One list of an algorithm offer that has no name in common with the peer's. */
export interface NegotiationMismatch {
  readonly what: string
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
  /** The smallest option that would connect, and what it risks; `undefined` when nothing we know would. */
  readonly remedy: { readonly option: string; readonly risk: string } | undefined
}

/** The two offers share no algorithm of one kind. */
export class NegotiationError extends ProtocolError {
  readonly mismatch: NegotiationMismatch
  constructor(message: string, mismatch: NegotiationMismatch) {
    super('no-common-algorithm', message)
    this.mismatch = mismatch
  }
}

/** The connection has ended. */
export class DisconnectedError extends SshError {
  readonly by: 'us' | 'peer' | 'network'
  readonly reason: DisconnectReason | undefined
  readonly description: string
  constructor(
    by: 'us' | 'peer' | 'network',
    reason: DisconnectReason | undefined,
    description: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(by === 'us' ? 'DISCONNECTED' : by === 'peer' ? 'DISCONNECTED_BY_PEER' : 'CONNECTION_LOST', message, options)
    this.by = by
    this.reason = reason
    this.description = description
  }
}

/** A deadline passed. `phase` says during what. */
export class TimeoutError extends SshError {
  readonly phase: string
  constructor(phase: string, message: string) {
    super('TIMEOUT', message)
    this.phase = phase
  }
}

/** The server's key is unknown, has changed, or is revoked. */
export class HostKeyError extends SshError {
  readonly fingerprint: string
  readonly keyType: string
  /** Where the conflicting or revoking entry stands. */
  readonly conflict: { readonly file: string; readonly line: number; readonly fingerprint: string } | undefined
  constructor(
    code: 'HOST_KEY_UNKNOWN' | 'HOST_KEY_CHANGED' | 'HOST_KEY_REVOKED' | 'HOST_KEY_REFUSED',
    message: string,
    key: { fingerprint: string; keyType: string },
    conflict?: { file: string; line: number; fingerprint: string },
    options?: ErrorOptions,
  ) {
    super(code, message, options)
    this.fingerprint = key.fingerprint
    this.keyType = key.keyType
    this.conflict = conflict
  }
}

/** One authentication request and what became of it. */
export interface AuthenticationAttempt {
  readonly method: string
  /** SHA-256 fingerprint of the key, for methods that have one. */
  readonly fingerprint?: string
  /** Where the credential came from: `agent`, a file name, `prompt`, … */
  readonly source?: string
  readonly outcome: 'accepted' | 'partial' | 'refused' | 'skipped'
  /** Methods the server said could continue after this attempt. */
  readonly remaining: readonly string[]
  /** Why it was skipped, or the likely cause of the refusal. */
  readonly note?: string
  /** What the server said while it judged the attempt, before it refused it (banners, RFC 4252 §5.4); text from the peer. */
  readonly said?: string
}

/** Nobody let us in. Lists every attempt in order. */
export class AuthenticationError extends SshError {
  readonly user: string
  readonly attempts: readonly AuthenticationAttempt[]
  readonly remaining: readonly string[]
  constructor(message: string, details: { user: string; attempts: readonly AuthenticationAttempt[]; remaining: readonly string[] }) {
    super('AUTHENTICATION_FAILED', message)
    this.user = details.user
    this.attempts = details.attempts
    this.remaining = details.remaining
  }
}

/** Channel open failures by their RFC 4254 §5.1 number. */
export const channelOpenFailures = {
  'administratively-prohibited': 1,
  'connect-failed': 2,
  'unknown-channel-type': 3,
  'resource-shortage': 4,
} as const
export type ChannelOpenFailureReason = keyof typeof channelOpenFailures

/** The peer refused to open a channel. */
export class ChannelOpenError extends SshError {
  readonly channelType: string
  readonly reason: ChannelOpenFailureReason | undefined
  readonly description: string
  constructor(channelType: string, reason: ChannelOpenFailureReason | undefined, description: string) {
    super(
      'CHANNEL_OPEN_FAILED',
      `The peer refused to open a ${escapeForPeople(channelType)} channel: ${escapeForPeople(description) || reason || 'no reason given'}.${channelType === 'session' ? ' It may give this login no session, or none beside those that are open (MaxSessions).' : ''}`,
    )
    this.channelType = channelType
    this.reason = reason
    this.description = description
  }
}

/** The peer refused a channel or global request. */
export class RequestRefusedError extends SshError {
  readonly request: string
  constructor(request: string, message: string) {
    super('REQUEST_REFUSED', message)
    this.request = request
  }
}

export type ForwardCode = 'FORWARD_LISTEN' | 'FORWARD_REFUSED' | 'FORWARD_LOST' | 'FORWARD_SOCKS' | 'FORWARD_TUNNEL'

/** A forward was not set up, or is no more: nothing can listen there, the server does not permit it, the connection is lost. */
export class ForwardError extends SshError {
  declare readonly code: ForwardCode
  constructor(code: ForwardCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

export type ShareCode = 'SHARE_NO_MASTER' | 'SHARE_REFUSED' | 'SHARE_FAILED' | 'SHARE_TAKEN' | 'SHARE_PROTOCOL'

/** Sharing a connection by a socket (ControlPath) did not work; `path` is the socket. */
export class ShareError extends SshError {
  declare readonly code: ShareCode
  readonly path: string
  constructor(code: ShareCode, message: string, path: string, options?: ErrorOptions) {
    super(code, message, options)
    this.path = path
  }
}

/** How a remote command ended. */
export type Exit =
  | { readonly code: number }
  | { readonly signal: string; readonly coreDumped: boolean; readonly message: string }
  /** The channel closed and the peer never said. */
  | { readonly unknown: true }

/** `run(…, { check: true })` and the command did not end with status 0. */
export class ExitError extends SshError {
  readonly exit: Exit
  /** The last bytes of standard error, decoded leniently. */
  readonly stderrTail: string
  constructor(message: string, exit: Exit, stderrTail: string) {
    super('EXIT', message)
    this.exit = exit
    this.stderrTail = stderrTail
  }
}

/** A key could not be read. `path` is where it came from, when it was a file; `format` what it was taken for. */
export class KeyFormatError extends SshError {
  readonly path: string | undefined
  readonly format: string | undefined
  constructor(
    code:
      | 'KEY_FORMAT_UNKNOWN'
      | 'KEY_MALFORMED'
      | 'KEY_UNSUPPORTED'
      | 'KEY_PASSPHRASE_NEEDED'
      | 'KEY_PASSPHRASE_WRONG'
      | 'KEY_TOO_WEAK'
      | 'KEY_PERMISSIONS',
    message: string,
    path?: string,
    options?: ErrorOptions & { readonly format?: string },
  ) {
    super(code, message, options)
    this.path = path
    this.format = options?.format
  }
}

/** A list of revoked keys could not be read, made or changed. Whoever asked must treat every key as revoked. */
export class RevocationListError extends SshError {
  constructor(code: 'KRL_MALFORMED' | 'KRL_UNSUPPORTED' | 'KRL_TOO_LARGE' | 'KRL_ENTRY', message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** What should be a signature of a file (SSHSIG) is none, or one of a kind that is not read or not made. */
export class SignatureFileError extends SshError {
  constructor(code: 'SIGNATURE_MALFORMED' | 'SIGNATURE_UNSUPPORTED', message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** A configuration file, option or command line is wrong. `line` counts from 1. */
export class ConfigError extends SshError {
  readonly path: string | undefined
  readonly line: number | undefined
  constructor(message: string, where: { path?: string; line?: number } = {}, options?: ErrorOptions) {
    super(
      'CONFIG',
      where.path === undefined ? message : `${where.path}${where.line === undefined ? '' : ` line ${where.line}`}: ${message}`,
      options,
    )
    this.path = where.path
    this.line = where.line
  }
}

/** An agent could not be reached or refused. */
export class AgentError extends SshError {
  constructor(code: 'AGENT_UNREACHABLE' | 'AGENT_REFUSED' | 'AGENT_MALFORMED', message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/**
 * Outcomes of an SFTP request by their number (draft-ietf-secsh-filexfer-13 §9.1). Version 3 knows those up to 8; what it
 * cannot say is `failure` there, with a message that tells.
 */
export const sftpStatuses = {
  ok: 0,
  eof: 1,
  'no-such-file': 2,
  'permission-denied': 3,
  failure: 4,
  'bad-message': 5,
  'no-connection': 6,
  'connection-lost': 7,
  'op-unsupported': 8,
  'invalid-handle': 9,
  'no-such-path': 10,
  'file-already-exists': 11,
  'write-protect': 12,
  'no-media': 13,
  'no-space-on-filesystem': 14,
  'quota-exceeded': 15,
  'unknown-principal': 16,
  'lock-conflict': 17,
  'dir-not-empty': 18,
  'not-a-directory': 19,
  'invalid-filename': 20,
  'link-loop': 21,
  'cannot-delete': 22,
  'invalid-parameter': 23,
  'file-is-a-directory': 24,
  'byte-range-lock-conflict': 25,
  'byte-range-lock-refused': 26,
  'delete-pending': 27,
  'file-corrupt': 28,
  'owner-invalid': 29,
  'group-invalid': 30,
  'no-matching-byte-range-lock': 31,
} as const
export type SftpStatus = keyof typeof sftpStatuses

export interface SftpErrorDetails {
  /** What was asked for, as a verb: `open`, `read`, `rename`, … */
  readonly operation?: string
  /** The path it was asked of, as the caller gave it. */
  readonly path?: string
  /** The name the system has for the fault, as in `ENOENT`: for programs that know Node's file system. */
  readonly errno?: string
}

/** A file operation did not succeed: the server said so, or files of ours did. `code` is `SFTP_` and the status. */
export class SftpError extends SshError {
  readonly status: SftpStatus
  readonly operation: string | undefined
  readonly path: string | undefined
  readonly errno: string | undefined
  constructor(status: SftpStatus, message: string, details: SftpErrorDetails = {}, options?: ErrorOptions) {
    super(`SFTP_${status.toUpperCase().replaceAll('-', '_')}`, message, options)
    this.status = status
    this.operation = details.operation
    this.path = details.path
    this.errno = details.errno
  }
}

export type TransferCode =
  /** The source became shorter, longer or another file while it was read. */
  | 'TRANSFER_SOURCE_CHANGED'
  /** The server says that the file ends before the size it gives it. */
  | 'TRANSFER_CUT_SHORT'
  /** What arrived is not what was sent. */
  | 'TRANSFER_MISMATCH'
  /** A name that would lead out of the target folder, or means another there. */
  | 'TRANSFER_UNSAFE_NAME'
  /** Something of that name is there, and was not to be replaced. */
  | 'TRANSFER_EXISTS'
  /** A directory where a file was meant, or the other way round, or neither. */
  | 'TRANSFER_WRONG_TYPE'

/** A transfer did not succeed for a reason that is not one refused request. Nothing half-written is under the final name. */
export class TransferError extends SshError {
  override readonly code: TransferCode
  /** The file it is about. */
  readonly path: string | undefined
  constructor(code: TransferCode, message: string, path?: string, options?: ErrorOptions) {
    super(code, message, options)
    this.code = code
    this.path = path
  }
}

/** Some files of a tree were not transferred; all others were. */
export class TransferFailures extends SshError {
  /** What went wrong with each, in the order it did; at most the first thousand. */
  readonly failures: readonly { readonly path: string; readonly error: Error }[]
  /** How many there were. */
  readonly count: number
  constructor(message: string, failures: readonly { readonly path: string; readonly error: Error }[], count: number) {
    super('TRANSFER_FAILURES', message)
    this.failures = failures
    this.count = count
  }
}

/** A copy by the scp protocol could not begin or go on: the other side broke the protocol, gave up, or went away. */
export class ScpError extends SshError {
  constructor(code: 'SCP_PROTOCOL' | 'SCP_REFUSED' | 'SCP_CUT_OFF', message: string, options?: ErrorOptions) {
    super(code, message, options)
  }
}

/** Every way in which a server can break SFTP itself, as distinct from refusing a request. */
export const sftpFaults = [
  'not-sftp',
  'version',
  'packet-too-short',
  'packet-too-long',
  'unknown-request',
  'unexpected-answer',
  'malformed-answer',
  'too-much-data',
] as const
export type SftpFault = (typeof sftpFaults)[number]

/** What the server sent is no SFTP, or answers nothing that was asked. The SFTP session has ended; the connection has not. */
export class SftpProtocolError extends SshError {
  readonly fault: SftpFault
  constructor(fault: SftpFault, message: string, options?: ErrorOptions) {
    super('SFTP_PROTOCOL', message, options)
    this.fault = fault
  }
}

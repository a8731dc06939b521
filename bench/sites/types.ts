// Owns what all sites agree on: how a server is started, what a client is asked, what the commands of our own servers are.
// Knows nothing of any implementation.

export interface ServerArgs {
  readonly hostKey: string
  /** `type base64` of the one key that may log in. */
  readonly authorized: string
  /** Left out: all algorithms are the library's own choice. */
  readonly cipher?: string
  /** Processes that serve connections; left out: this one does. */
  readonly workers?: number
}

/** Servers that only show their keys, each at an address of its own: 127.0.0.1 and those after it, all at one port. */
export interface HostsArgs {
  readonly hostKeys: readonly string[]
  /** At most 250. */
  readonly count: number
  /** Left out: all algorithms are the library's own choice. */
  readonly kex?: string
}

export interface ClientArgs {
  readonly port: number
  readonly user: string
  /** Path of the private key. */
  readonly key: string
  /** Left out: all algorithms are the library's own choice. */
  readonly cipher?: string
  readonly kex?: string
}

export type Direction = 'down' | 'up'

export interface TransferArgs extends ClientArgs {
  readonly direction: Direction
  readonly bytes: number
  /** The command that sends or swallows them. */
  readonly command: string
  /** Through Web Streams instead of the shortest way. */
  readonly streams?: boolean
}

/** What a client found out: CPU and wall seconds, and what the command wrote to standard error. */
export interface Transferred {
  readonly cpu: number
  readonly wall: number
  readonly stderr: string
}

export interface RepeatArgs extends ClientArgs {
  readonly count: number
  readonly command: string
}

export interface ChannelsArgs extends RepeatArgs {
  /** How many are open at a time. */
  readonly lanes: number
}

/** CPU and wall seconds of the client for all. */
export interface Spent {
  readonly cpu: number
  readonly wall: number
}

export interface OpenKeyArgs {
  /** An encrypted private key file. */
  readonly path: string
  readonly passphrase: string
}

/** What opening it took, in seconds. */
export interface Opened extends Spent {
  /** The longest time in which nothing else could be done. */
  readonly wait: number
}

/** CPU seconds of the client for all, and wall seconds of each. */
export interface Repeated {
  readonly cpu: number
  readonly walls: readonly number[]
}

/** Work with files over SFTP; what a call has no use for is left out of account. */
export interface FileArgs extends ClientArgs {
  readonly remote: string
  readonly local: string
  /** Entries there are, or requests to make. */
  readonly count: number
  /** Files or requests at a time, for a client that must be told. */
  readonly lanes: number
}

/** `work` are the wall seconds without logging in and leaving. */
export interface FilesMoved extends Spent {
  readonly work: number
}

export const kex = 'curve25519-sha256'
export const gcm = 'aes128-gcm@openssh.com'
export const chachaPoly = 'chacha20-poly1305@openssh.com'
export const hostKeyAlgorithm = 'ssh-ed25519'

/** What is sent again and again; as much as Node's own streams carry at once. */
export const chunkBytes = 64 * 1024

/** The commands of the servers made from a library. Each is a word, `send` followed by a number of bytes. */
export const commands = {
  send: (bytes: number, streams = false): string => `${streams ? 'send-stream' : 'send'} ${bytes}`,
  sink: (streams = false): string => (streams ? 'sink-stream' : 'sink'),
  nothing: 'nothing',
  hold: 'hold',
  echo: 'echo',
} as const

/** A connection that takes turns without SSH. */
export interface TurnsArgs {
  readonly port: number
  readonly count: number
  /** Bytes of each turn, for a client that does not know them. */
  readonly fromServer?: readonly number[]
  readonly fromClient?: readonly number[]
}

/**
 * Bytes of each write of a session between Go's client and our server, aes128-gcm: identification and KEXINIT; reply,
 * NEWKEYS, EXT_INFO; service; methods; "show me a signature"; logged in; channel opened; and in one write the answer to exec,
 * the exit status, EOF and CLOSE.
 */
export const turnsOfServer: readonly number[] = [699, 388, 52, 52, 100, 36, 52, 160]
/** What the client writes after each, but the first, with which it does not wait. It then leaves. */
export const turnsOfClient: readonly number[] = [364, 68, 68, 148, 228, 52, 52, 36]

export interface BareKeystrokeOptions {
  /** What is done to a packet: nothing, AES-GCM as node:crypto has it, or only AES for some packets at a time. */
  readonly seals: 'nothing' | 'gcm' | 'blocks'
}

export interface BareBulkOptions {
  readonly seals: 'nothing' | 'gcm'
}

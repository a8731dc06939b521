// Owns what a file server may be told: its options, their defaults, and the names of requests as sftp-server has them. Knows
// neither packets nor files.
import type { Hasher } from '../../crypto/provider.ts'
import { ConfigError, type SftpStatus } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import type { ExtensionRow } from '../extensions/row.ts'
import { extensions as everyExtension } from '../extensions/table.ts'
import type { OpenOptions } from '../files.ts'
import { maximumData, maximumPacket } from '../messages.ts'
import type { SftpVersionNumber } from '../versions/version.ts'

export interface SftpLimits {
  /** Bytes of the largest packet taken, without the four that say so; at least 34,000. Default 256 KiB. */
  readonly packet: number
  /** Bytes of the largest read; a longer one is answered with so many. Default 255 KiB. */
  readonly read: number
  /** Bytes of the largest write that is announced. Default 255 KiB. */
  readonly write: number
  /** Files and directories open at once in one session. Default 10,000. */
  readonly handles: number
  /** Requests taken and not answered yet. Default 1,024. */
  readonly requests: number
  /** Bytes of data to write that wait for the files, and as many of requests that are not answered yet. Default 4 MiB. */
  readonly waiting: number
}

export const defaultLimits: SftpLimits = {
  packet: maximumPacket,
  read: maximumData,
  write: maximumData,
  handles: 10_000,
  requests: 1024,
  waiting: 4 * 1024 * 1024,
}

/** A request as it came. */
export interface ReceivedRequest {
  readonly id: number
  /** As sftp-server names it: `open`, `posix-rename`, … */
  readonly name: string
  readonly path?: string
  /** Where it is renamed to, what a link points to. */
  readonly target?: string
  /** The number of a handle, as `opened` gave it. */
  readonly handle?: number
  readonly offset?: number
  readonly length?: number
  readonly options?: OpenOptions
  readonly attributes?: Attributes
}

export interface AnsweredRequest {
  readonly id: number
  readonly answer: 'status' | 'handle' | 'data' | 'name' | 'attrs' | 'reply'
  /** `ok` for all that is no status. */
  readonly status: SftpStatus
  readonly message: string
  /** Names of a `name`, bytes of a `data`. */
  readonly count?: number
}

export interface OpenedHandle {
  readonly handle: number
  readonly path: string
  readonly directory: boolean
}

export interface ClosedHandle extends OpenedHandle {
  readonly bytesRead: number
  readonly bytesWritten: number
  /** The session ended before the client closed it. */
  readonly forced: boolean
}

/** A file that was open for writing when the session ended: nobody may say that it is whole. */
export interface UnfinishedFile {
  readonly path: string
  readonly bytesWritten: number
}

/** Who is told what goes on: all that `sftp-server -l` can print. What these throw is told to `failed`, and no more. */
export interface SftpServerLog {
  /** INIT came and was answered. */
  started?(versions: { readonly client: number; readonly agreed: SftpVersionNumber }): void
  /** A request came; nothing has been done yet. */
  received?(request: ReceivedRequest): void
  answered?(answer: AnsweredRequest): void
  opened?(handle: OpenedHandle): void
  closed?(handle: ClosedHandle): void
  /** Once, at the end, if there are any. */
  unfinished?(files: readonly UnfinishedFile[]): void
  /** Something that is no `SftpError` was thrown by the files or an extension: the client only learns that it failed. */
  failed?(error: unknown): void
}

/** Makes a hash by its name in check-file (`md5`, `sha1`, `sha224`, `sha256`, `sha384`, `sha512`, `crc32`). */
export type MakeHasher = (name: string) => Hasher | undefined

export interface SftpServerOptions {
  /** Refuses all that changes something. Default false. */
  readonly readOnly?: boolean
  /** Where relative paths begin. Default the home the files name, or `/`. */
  readonly start?: string
  /** Requests by name that are answered, as with `sftp-server -p`. Default all. */
  readonly allow?: readonly string[]
  /** Requests by name that are refused, as with `sftp-server -P`; before `allow`. Default none. */
  readonly deny?: readonly string[]
  readonly limits?: Partial<SftpLimits>
  /** Bits of permissions that new files and directories never get. Default what the files do by themselves. */
  readonly umask?: number
  /** Besides those everybody knows; one of the same name takes the place of ours. */
  readonly extensions?: readonly ExtensionRow[]
  /** The software version of the SSH client, for what is known of particular ones. Default that of the session, where there is one. */
  readonly clientVersion?: string
  /** Default 6. */
  readonly maximumVersion?: SftpVersionNumber
  readonly log?: SftpServerLog
  /** Default those of the runtime. */
  readonly hasher?: MakeHasher
}

/** What a runtime gives beside the language. */
export interface ServerRuntime {
  readonly hasher: MakeHasher
  /** Calls `act` when what is ready by now has been looked at, without going to sleep. */
  soon(act: () => void): void
  /** Calls `act` when all others that wait have had their turn. */
  later(act: () => void): void
}

/** Without what stands behind `@`, as sftp-server names extensions. */
export const shortName = (extension: string): string => extension.split('@')[0]

const packetRequests = [
  'open',
  'close',
  'read',
  'write',
  'lstat',
  'fstat',
  'setstat',
  'fsetstat',
  'opendir',
  'readdir',
  'remove',
  'mkdir',
  'rmdir',
  'realpath',
  'stat',
  'rename',
  'readlink',
  'symlink',
  'link',
] as const
export type PacketRequest = (typeof packetRequests)[number]

/** Every name `allow` and `deny` know, those of `extensions` included: what `sftp-server -Q requests` lists. */
export const sftpRequestNames = (extensions: readonly ExtensionRow[] = []): readonly string[] => [
  ...packetRequests,
  ...rowsOf(extensions)
    .filter(row => row.request !== undefined)
    .map(row => shortName(row.name)),
]

const rowsOf = (added: readonly ExtensionRow[]): readonly ExtensionRow[] => [
  ...everyExtension.filter(row => !added.some(each => each.name === row.name)),
  ...added,
]

/**
 * Whoever is told cannot break a session by throwing: an answer would be counted as not given, and the session never end. What is
 * thrown is told to `failed`, unless that threw it. Those that are not there stay away, so that telling nobody costs nothing.
 */
const unbreakable = (log: SftpServerLog): SftpServerLog => {
  const telling = <T>(tell: ((told: T) => void) | undefined): ((told: T) => void) | undefined =>
    tell &&
    (told => {
      try {
        tell.call(log, told)
      } catch (error) {
        if (tell !== log.failed) failed?.(error)
      }
    })
  const failed = telling(log.failed)
  const all = {
    started: telling(log.started),
    received: telling(log.received),
    answered: telling(log.answered),
    opened: telling(log.opened),
    closed: telling(log.closed),
    unfinished: telling(log.unfinished),
    failed,
  }
  return Object.fromEntries(Object.entries(all).filter(([, tell]) => tell !== undefined))
}

/** Options with everything decided. */
export interface Settled {
  readonly readOnly: boolean
  readonly start: string | undefined
  refused(request: string): boolean
  readonly limits: SftpLimits
  readonly umask: number | undefined
  readonly extensions: readonly ExtensionRow[]
  readonly maximumVersion: SftpVersionNumber
  readonly log: SftpServerLog
  readonly hasher: MakeHasher
  readonly runtime: ServerRuntime
}

/** draft-ietf-secsh-filexfer-02 §3: packets of so many bytes must be taken. */
const smallestPacket = 34_000

const limitsOf = (given: Partial<SftpLimits>): SftpLimits => {
  const limits = { ...defaultLimits, ...given }
  for (const [name, value] of Object.entries(limits))
    if (!Number.isSafeInteger(value) || value < 1) throw new ConfigError(`limits.${name} must be a whole number above 0, not ${value}.`)
  if (limits.packet < smallestPacket) throw new ConfigError(`limits.packet must be at least ${smallestPacket}, not ${limits.packet}.`)
  const most = limits.packet - (maximumPacket - maximumData)
  return { ...limits, read: Math.min(limits.read, most), write: Math.min(limits.write, most) }
}

/** Throws `ConfigError` for options that cannot be. */
export const settle = (options: SftpServerOptions, runtime: ServerRuntime): Settled => {
  const { allow, deny = [], umask, start } = options
  const known = sftpRequestNames(options.extensions)
  for (const name of [...(allow ?? []), ...deny])
    if (!known.includes(name)) throw new ConfigError(`There is no request "${name}"; there are ${known.join(', ')}.`)
  if (umask !== undefined && (!Number.isInteger(umask) || umask < 0 || umask > 0o777))
    throw new ConfigError(`umask must be between 0 and 0o777, not ${umask}.`)
  if (start !== undefined && !start.startsWith('/')) throw new ConfigError(`start must be an absolute path, not "${start}".`)
  return {
    readOnly: options.readOnly ?? false,
    start,
    refused: name => deny.includes(name) || (allow !== undefined && !allow.includes(name)),
    limits: limitsOf(options.limits ?? {}),
    umask,
    extensions: rowsOf(options.extensions ?? []),
    maximumVersion: options.maximumVersion ?? 6,
    log: unbreakable(options.log ?? {}),
    hasher: options.hasher ?? runtime.hasher,
    runtime,
  }
}

// Owns what a version of SFTP is made of: the codecs of the packets that differ between versions, each reading into and
// writing from the same values. One version a file; `table.ts` lists them. Knows neither handles nor files.
import type { Codec } from '../../wire/codec.ts'
import type { Attributes } from '../attributes.ts'
import type { OpenOptions } from '../files.ts'
import { type Packet, type PacketName, packetTypes } from '../messages.ts'

export interface OpenRequest {
  readonly filename: string
  readonly options: OpenOptions
  /** Lines end as `newline` says, and offsets do not count. From version 4 on. */
  readonly text: boolean
  /** Bits of the flags that ask for more than `options` and `text` can say: locks, deletion on close. Version 3 has none. */
  readonly further: number
  readonly attributes: Attributes
}

export interface RenameRequest {
  readonly from: string
  readonly to: string
  /** What is at `to` gives way. Only versions 5 and 6 can ask for it; the others have posix-rename@openssh.com. */
  readonly replace: boolean
}

export interface RealpathRequest {
  readonly path: string
  /** Whether attributes are wanted too, and whether the path must exist: version 6 only. */
  readonly check: 'none' | 'if-there' | 'must-exist'
  /** Paths to go on by from `path`, one after the other: version 6 only. */
  readonly compose: readonly string[]
}

export interface LinkRequest {
  /** Where the link is to be. */
  readonly path: string
  /** What it points to: any text for a symbolic link. */
  readonly target: string
  /** Hard links only in version 6; the others have hardlink@openssh.com. */
  readonly symbolic: boolean
}

export interface NameEntry {
  readonly filename: string
  /** As `ls -l` shows it: version 3 only. */
  readonly longname: string
  readonly attributes: Attributes
}

export interface StatusAnswer {
  /** By number, as it stands there: see `status.ts`. */
  readonly errorCode: number
  readonly errorMessage: string
  readonly languageTag: string
}

export interface OfPath {
  readonly path: string
}
export interface OfHandle {
  readonly handle: Uint8Array
}
export interface WithAttributes {
  readonly attributes: Attributes
}

export type SftpVersionNumber = 3 | 4 | 5 | 6

export interface SftpVersion {
  readonly version: SftpVersionNumber
  readonly attributes: Codec<Attributes>
  readonly Open: Packet<OpenRequest>
  readonly Rename: Packet<RenameRequest>
  readonly Realpath: Packet<RealpathRequest>
  readonly Stat: Packet<OfPath>
  readonly Lstat: Packet<OfPath>
  readonly Fstat: Packet<OfHandle>
  readonly Setstat: Packet<OfPath & WithAttributes>
  readonly Fsetstat: Packet<OfHandle & WithAttributes>
  readonly Mkdir: Packet<OfPath & WithAttributes>
  /** SYMLINK, or LINK in version 6. */
  readonly Link: Packet<LinkRequest>
  readonly Name: Packet<readonly NameEntry[]>
  readonly Attrs: Packet<WithAttributes>
  readonly Status: Packet<StatusAnswer>
}

/** A packet whose fields are not just one after the other. */
export const packetOf = <T>(name: PacketName, codec: Codec<T>): Packet<T> => ({ name, number: packetTypes[name], ...codec })

/** Most entries of a NAME that are read; each takes at least eight bytes on the wire. */
export const mostNames = 65_536

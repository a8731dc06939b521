// Owns what a program sees of a file on the server: `Stat`, and `Entry` for one found in a directory. Knows no packets.
import { type Attributes, dateOfTime, type FileTime, type FileType, modeOf } from '../attributes.ts'
import { joinPath } from './paths.ts'

/**
 * What the server says of a file. Servers may leave anything out: then the type is `unknown`, the size and the mode are 0, a
 * time is 1970, an owner `undefined`. `attributes` has what was said and nothing else.
 */
export interface FileFacts {
  readonly attributes: Attributes
  readonly type: FileType
  /** Bytes. */
  readonly size: number
  /** Kind and permissions, as `st_mode`: `0o100644`. */
  readonly mode: number
  /** The low twelve bits of the mode. */
  readonly permissions: number
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** To the second. */
  readonly modified: Date
  readonly accessed: Date
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

const beginning: FileTime = { seconds: 0, nanoseconds: 0 }

export class Stat implements FileFacts {
  readonly attributes: Attributes
  constructor(attributes: Attributes) {
    this.attributes = attributes
  }
  get type(): FileType {
    return this.attributes.type ?? 'unknown'
  }
  get size(): number {
    return this.attributes.size ?? 0
  }
  get mode(): number {
    return modeOf(this.attributes)
  }
  get permissions(): number {
    return this.attributes.permissions ?? 0
  }
  get uid(): number | undefined {
    return this.attributes.uid
  }
  get gid(): number | undefined {
    return this.attributes.gid
  }
  get modified(): Date {
    return dateOfTime(this.attributes.modified ?? beginning)
  }
  get accessed(): Date {
    return dateOfTime(this.attributes.accessed ?? beginning)
  }
  isFile(): boolean {
    return this.type === 'file'
  }
  isDirectory(): boolean {
    return this.type === 'directory'
  }
  isSymbolicLink(): boolean {
    return this.type === 'symlink'
  }
}

/** Something in a directory. What it says of itself is what the directory said: of a symbolic link, not of what that points to. */
export class Entry implements FileFacts {
  /** The directory, as the listing was asked for it. */
  readonly folder: string
  /** One component: never empty, `.` or `..`, without `/` and NUL. Bytes that are no UTF-8 are lone surrogates (PEP 383). */
  readonly name: string
  readonly stat: Stat
  /** The line of `ls -l` as the server made it up; '' where it did not. Text from a peer: escape it before showing it. */
  readonly longName: string

  constructor(folder: string, name: string, attributes: Attributes, longName: string) {
    this.folder = folder
    this.name = name
    this.stat = new Stat(attributes)
    this.longName = longName
  }
  /** `folder` and `name`. */
  get path(): string {
    return joinPath(this.folder, this.name)
  }
  get attributes(): Attributes {
    return this.stat.attributes
  }
  get type(): FileType {
    return this.stat.type
  }
  get size(): number {
    return this.stat.size
  }
  get mode(): number {
    return this.stat.mode
  }
  get permissions(): number {
    return this.stat.permissions
  }
  get uid(): number | undefined {
    return this.stat.uid
  }
  get gid(): number | undefined {
    return this.stat.gid
  }
  get modified(): Date {
    return this.stat.modified
  }
  get accessed(): Date {
    return this.stat.accessed
  }
  isFile(): boolean {
    return this.stat.isFile()
  }
  isDirectory(): boolean {
    return this.stat.isDirectory()
  }
  isSymbolicLink(): boolean {
    return this.stat.isSymbolicLink()
  }
}

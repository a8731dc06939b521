// Owns what is known of a file, whatever version of the protocol says it. Knows no wire format: `versions/` does.

export const fileTypes = [
  'file',
  'directory',
  'symlink',
  'special',
  'unknown',
  'socket',
  'character-device',
  'block-device',
  'fifo',
] as const
/** draft-ietf-secsh-filexfer-13 §7.2. */
export type FileType = (typeof fileTypes)[number]

/** A moment since 1970-01-01 00:00 UTC. Version 3 has whole seconds only. */
export interface FileTime {
  /** May be negative. */
  readonly seconds: number
  /** 0 to 999,999,999. */
  readonly nanoseconds: number
}

/** What is known, or is to be set. A field that is missing is unknown, or is to stay as it is. */
export interface Attributes {
  readonly type?: FileType
  /** Bytes; 2^53 - 1 for that and all beyond, which cannot be set. */
  readonly size?: number
  readonly uid?: number
  readonly gid?: number
  /** Names, from version 4 on; and where `Files` know them. */
  readonly owner?: string
  readonly group?: string
  /** The low twelve bits of the mode: `0o4755`. What kind of file it is says `type`. */
  readonly permissions?: number
  readonly accessed?: FileTime
  readonly modified?: FileTime
  /** From version 4 on. */
  readonly created?: FileTime
  /** When the attributes changed last: from version 6 on. */
  readonly changed?: FileTime
  readonly links?: number
  /** Bytes taken up on the disk, where known. */
  readonly allocated?: number
}

const typeBits: Readonly<Record<FileType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  special: 0,
  unknown: 0,
  socket: 0o140000,
  'character-device': 0o020000,
  'block-device': 0o060000,
  fifo: 0o010000,
}

/** `st_mode` of POSIX: kind and permissions in one number. */
export const modeOf = ({ type, permissions }: Attributes): number => (type === undefined ? 0 : typeBits[type]) | (permissions ?? 0)

/** The kind of file in an `st_mode`; `undefined` when it holds none. */
export const typeOfMode = (mode: number): FileType | undefined => {
  const bits = mode & 0o170000
  if (bits === 0) return undefined
  return fileTypes.find(type => typeBits[type] === bits) ?? 'unknown'
}

/** A time in seconds, with what is behind the point kept to the nanosecond where a number can. */
export const timeFromSeconds = (value: number): FileTime => {
  const seconds = Math.floor(value)
  return { seconds, nanoseconds: Math.min(999_999_999, Math.round((value - seconds) * 1e9)) }
}

/** A `Date` to the millisecond. */
export const dateOfTime = ({ seconds, nanoseconds }: FileTime): Date => new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6))
export const timeFromDate = (date: Date): FileTime => timeFromSeconds(date.getTime() / 1000)

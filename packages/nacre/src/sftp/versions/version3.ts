// Owns version 3 as OpenSSH speaks it (draft-ietf-secsh-filexfer-02): attributes in one word of flags, long names, and the
// arguments of SYMLINK the other way round. Knows nothing of later versions.
import { bytes, type Codec, counted, prose, struct, uint32 } from '../../wire/codec.ts'
import type { Reader } from '../../wire/reader.ts'
import type { Writer } from '../../wire/writer.ts'
import { type Attributes, type FileTime, modeOf, typeOfMode } from '../attributes.ts'
import { openFlags, packet } from '../messages.ts'
import { fileName } from '../names.ts'
import { count, skipExtended } from './numbers.ts'
import {
  type LinkRequest,
  mostNames,
  type NameEntry,
  type OpenRequest,
  packetOf,
  type RealpathRequest,
  type RenameRequest,
  type SftpVersion,
  type StatusAnswer,
} from './version.ts'

/** Bits of the word that says which attributes follow (draft-ietf-secsh-filexfer-02 §5). */
const attributeFlags = { size: 0x01, uidGid: 0x02, permissions: 0x04, times: 0x08, extended: 0x80000000 } as const

/** Seconds in 32 bits; what lies outside is moved to the nearest that fits. */
const seconds32 = (time: FileTime): number => Math.min(0xffffffff, Math.max(0, time.seconds))
const timeOf = (seconds: number): FileTime => ({ seconds, nanoseconds: 0 })

type Changing = { -readonly [K in keyof Attributes]: Attributes[K] }

const readAttributes = (reader: Reader): Attributes => {
  const flags = reader.uint32()
  const read: Changing = {}
  if (flags & attributeFlags.size) read.size = count.read(reader)
  if (flags & attributeFlags.uidGid) {
    read.uid = reader.uint32()
    read.gid = reader.uint32()
  }
  if (flags & attributeFlags.permissions) {
    const mode = reader.uint32()
    read.permissions = mode & 0o7777
    const type = typeOfMode(mode)
    if (type !== undefined && type !== 'unknown') read.type = type
  }
  if (flags & attributeFlags.times) {
    read.accessed = timeOf(reader.uint32())
    read.modified = timeOf(reader.uint32())
  }
  if (flags & attributeFlags.extended) skipExtended(reader)
  return read
}

const writeAttributes = (writer: Writer, value: Attributes): void => {
  const { size, uid, gid } = value
  const accessed = value.accessed ?? value.modified
  const modified = value.modified ?? value.accessed
  const hasMode = value.permissions !== undefined || value.type !== undefined
  const flags =
    (size === undefined ? 0 : attributeFlags.size) |
    (uid === undefined || gid === undefined ? 0 : attributeFlags.uidGid) |
    (hasMode ? attributeFlags.permissions : 0) |
    (modified === undefined ? 0 : attributeFlags.times)
  writer.uint32(flags)
  if (size !== undefined) count.write(writer, size)
  if (uid !== undefined && gid !== undefined) {
    writer.uint32(uid)
    writer.uint32(gid)
  }
  if (hasMode) writer.uint32(modeOf(value))
  if (accessed !== undefined && modified !== undefined) {
    writer.uint32(seconds32(accessed))
    writer.uint32(seconds32(modified))
  }
}

/**
 * draft-ietf-secsh-filexfer-02 §5. Owner and group go together or not at all, so do the two times: one alone stands for both.
 * Extended attributes are skipped.
 */
export const attributes: Codec<Attributes> = { read: readAttributes, write: writeAttributes }

/** draft-ietf-secsh-filexfer-02 §6.3. */
const Open = packetOf<OpenRequest>('SSH_FXP_OPEN', {
  read: reader => {
    const filename = fileName.read(reader)
    return { filename, options: optionsOfPflags(reader.uint32()), text: false, further: 0, attributes: readAttributes(reader) }
  },
  write: (writer, { filename, options, attributes: given }) => {
    fileName.write(writer, filename)
    writer.uint32(pflagsOf(options))
    writeAttributes(writer, given)
  },
})

/** What `pflags` of versions 3 and 4 ask for. */
export const optionsOfPflags = (flags: number): OpenRequest['options'] => ({
  read: (flags & openFlags.read) !== 0,
  write: (flags & openFlags.write) !== 0,
  append: (flags & openFlags.append) !== 0,
  create: (flags & openFlags.create) !== 0,
  truncate: (flags & openFlags.truncate) !== 0,
  exclusive: (flags & openFlags.exclusive) !== 0,
  noFollow: false,
})

/** `pflags` of versions 3 and 4. */
export const pflagsOf = (options: OpenRequest['options']): number =>
  (options.read ? openFlags.read : 0) |
  (options.write ? openFlags.write : 0) |
  (options.append ? openFlags.append : 0) |
  (options.create ? openFlags.create : 0) |
  (options.truncate ? openFlags.truncate : 0) |
  (options.exclusive ? openFlags.exclusive : 0)

/** draft-ietf-secsh-filexfer-02 §6.5. OpenSSH's server refuses when there is something at `to`. */
export const Rename = packetOf<RenameRequest>('SSH_FXP_RENAME', {
  read: reader => ({ from: fileName.read(reader), to: fileName.read(reader), replace: false }),
  write: (writer, { from, to }) => {
    fileName.write(writer, from)
    fileName.write(writer, to)
  },
})

export const Realpath = packetOf<RealpathRequest>('SSH_FXP_REALPATH', {
  read: reader => ({ path: fileName.read(reader), check: 'none', compose: [] }),
  write: (writer, { path }) => fileName.write(writer, path),
})

const Stat = packet('SSH_FXP_STAT', { path: fileName })
const Lstat = packet('SSH_FXP_LSTAT', { path: fileName })
const Fstat = packet('SSH_FXP_FSTAT', { handle: bytes })
const Setstat = packet('SSH_FXP_SETSTAT', { path: fileName, attributes })
const Fsetstat = packet('SSH_FXP_FSETSTAT', { handle: bytes, attributes })
const Mkdir = packet('SSH_FXP_MKDIR', { path: fileName, attributes })

/** OpenSSH took the two paths the wrong way round from the draft, and kept it so: first what the link points to, then the link. */
const Symlink = packetOf<LinkRequest>('SSH_FXP_SYMLINK', {
  read: reader => {
    const target = fileName.read(reader)
    return { path: fileName.read(reader), target, symbolic: true }
  },
  write: (writer, { path, target }) => {
    fileName.write(writer, target)
    fileName.write(writer, path)
  },
})

const nameEntry: Codec<NameEntry> = struct({ filename: fileName, longname: fileName, attributes })
/** draft-ietf-secsh-filexfer-02 §7. */
const Name = packetOf<readonly NameEntry[]>('SSH_FXP_NAME', counted(nameEntry, mostNames))
const Attrs = packet('SSH_FXP_ATTRS', { attributes })

/** Servers of versions before 3, and some of version 3, send no message, or no language. */
export const Status = packetOf<StatusAnswer>('SSH_FXP_STATUS', {
  read: reader => ({
    errorCode: reader.uint32(),
    errorMessage: reader.remaining === 0 ? '' : prose.read(reader),
    languageTag: reader.remaining === 0 ? '' : prose.read(reader),
  }),
  write: (writer, value) => {
    uint32.write(writer, value.errorCode)
    writer.text(value.errorMessage)
    writer.text(value.languageTag)
  },
})

export const version3: SftpVersion = {
  version: 3,
  attributes,
  Open,
  Rename,
  Realpath,
  Stat,
  Lstat,
  Fstat,
  Setstat,
  Fsetstat,
  Mkdir,
  Link: Symlink,
  Name,
  Attrs,
  Status,
}

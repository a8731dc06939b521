// Owns attributes as versions 4 to 6 have them: a word of flags, the kind of file, owners by name, times of 64 bits; and the
// packets these versions share. What is special to one of them is in its own file.
import { bytes, type Codec, counted, struct, uint32 } from '../../wire/codec.ts'
import type { Reader } from '../../wire/reader.ts'
import type { Writer } from '../../wire/writer.ts'
import { type Attributes, type FileTime, type FileType, fileTypes } from '../attributes.ts'
import { type Packet, packet } from '../messages.ts'
import { fileName } from '../names.ts'
import { count, int64, skipExtended } from './numbers.ts'
import { mostNames, type NameEntry, type OfHandle, type OfPath, packetOf, type WithAttributes } from './version.ts'

/** Bits of the word that says which attributes follow (draft-ietf-secsh-filexfer-04 §5.1, -05 §5.1, -13 §7.1). */
export const attributeFlags = {
  size: 0x01,
  permissions: 0x04,
  accessed: 0x08,
  created: 0x10,
  modified: 0x20,
  acl: 0x40,
  ownerGroup: 0x80,
  subseconds: 0x100,
  bits: 0x200,
  allocated: 0x400,
  textHint: 0x800,
  mimeType: 0x1000,
  links: 0x2000,
  untranslatedName: 0x4000,
  changed: 0x8000,
  extended: 0x80000000,
} as const

/** What an attribute block of a version holds, beyond what all of them have. */
interface Shape {
  /** The highest number a kind of file has. */
  readonly types: number
  /** `attrib-bits`, and whether a word follows that says which of them count. */
  readonly bits: 0 | 1 | 2
  /** Allocation size, time of change, number of links, hints, as in version 6. */
  readonly full: boolean
}

type Changing = { -readonly [K in keyof Attributes]: Attributes[K] }

/** Numbers of kinds of files begin with 1. */
const typeFrom = (number: number, { types }: Shape): FileType => (number <= types ? fileTypes[number - 1] : undefined) ?? 'unknown'
const numberOfType = (type: FileType | undefined, { types }: Shape): number => {
  const number = fileTypes.indexOf(type ?? 'unknown') + 1
  return number <= types ? number : fileTypes.indexOf('special') + 1
}

const readTime = (reader: Reader, flags: number): FileTime => {
  const seconds = int64.read(reader)
  // More than a second of nanoseconds is nothing a file can have.
  return { seconds, nanoseconds: flags & attributeFlags.subseconds ? Math.min(999_999_999, reader.uint32()) : 0 }
}

/** What comes after the times and tells us nothing: access lists, hints, names as they were before. */
const skipRest = (reader: Reader, flags: number, shape: Shape, read: Changing): void => {
  if (flags & attributeFlags.acl) reader.string()
  if (flags & attributeFlags.bits) for (let words = shape.bits; words > 0; words--) reader.uint32()
  if (shape.full) {
    if (flags & attributeFlags.textHint) reader.byte()
    if (flags & attributeFlags.mimeType) reader.string()
    if (flags & attributeFlags.links) read.links = reader.uint32()
    if (flags & attributeFlags.untranslatedName) reader.string()
  }
  if (flags & attributeFlags.extended) skipExtended(reader)
}

const readAttributes = (reader: Reader, shape: Shape): Attributes => {
  const flags = reader.uint32()
  const read: Changing = { type: typeFrom(reader.byte(), shape) }
  if (flags & attributeFlags.size) read.size = count.read(reader)
  if (shape.full && flags & attributeFlags.allocated) read.allocated = count.read(reader)
  if (flags & attributeFlags.ownerGroup) {
    read.owner = fileName.read(reader)
    read.group = fileName.read(reader)
  }
  if (flags & attributeFlags.permissions) read.permissions = reader.uint32() & 0o7777
  if (flags & attributeFlags.accessed) read.accessed = readTime(reader, flags)
  if (flags & attributeFlags.created) read.created = readTime(reader, flags)
  if (flags & attributeFlags.modified) read.modified = readTime(reader, flags)
  if (shape.full && flags & attributeFlags.changed) read.changed = readTime(reader, flags)
  skipRest(reader, flags, shape, read)
  return read
}

const hasNanoseconds = (time: FileTime | undefined): boolean => time !== undefined && time.nanoseconds > 0

const flagsOf = (value: Attributes, { full }: Shape): number => {
  const { accessed, created, modified } = value
  const changed = full ? value.changed : undefined
  const fine = hasNanoseconds(accessed) || hasNanoseconds(created) || hasNanoseconds(modified) || hasNanoseconds(changed)
  return (
    (value.size === undefined ? 0 : attributeFlags.size) |
    (!full || value.allocated === undefined ? 0 : attributeFlags.allocated) |
    (value.owner === undefined && value.group === undefined ? 0 : attributeFlags.ownerGroup) |
    (value.permissions === undefined ? 0 : attributeFlags.permissions) |
    (accessed === undefined ? 0 : attributeFlags.accessed) |
    (created === undefined ? 0 : attributeFlags.created) |
    (modified === undefined ? 0 : attributeFlags.modified) |
    (changed === undefined ? 0 : attributeFlags.changed) |
    (fine ? attributeFlags.subseconds : 0) |
    (!full || value.links === undefined ? 0 : attributeFlags.links)
  )
}

const writeTime = (writer: Writer, flags: number, time: FileTime): void => {
  int64.write(writer, time.seconds)
  if (flags & attributeFlags.subseconds) writer.uint32(time.nanoseconds)
}

const writeAttributes = (writer: Writer, value: Attributes, shape: Shape): void => {
  const flags = flagsOf(value, shape)
  writer.uint32(flags)
  writer.byte(numberOfType(value.type, shape))
  if (value.size !== undefined) count.write(writer, value.size)
  if (shape.full && value.allocated !== undefined) count.write(writer, value.allocated)
  if (flags & attributeFlags.ownerGroup) {
    fileName.write(writer, value.owner ?? '')
    fileName.write(writer, value.group ?? '')
  }
  if (value.permissions !== undefined) writer.uint32(value.permissions)
  if (value.accessed !== undefined) writeTime(writer, flags, value.accessed)
  if (value.created !== undefined) writeTime(writer, flags, value.created)
  if (value.modified !== undefined) writeTime(writer, flags, value.modified)
  if (shape.full && value.changed !== undefined) writeTime(writer, flags, value.changed)
  if (shape.full && value.links !== undefined) writer.uint32(value.links)
}

/**
 * Owner and group are names and go together: what is missing is empty, and so means to leave it. Access lists, bits, hints
 * and extended attributes are skipped.
 */
export const attributesOf = (shape: Shape): Codec<Attributes> => ({
  read: reader => readAttributes(reader, shape),
  write: (writer, value) => writeAttributes(writer, value, shape),
})

/** All that can be wanted of a file: who asks says which, and we ask for everything. */
const wanted = 0xffff

const statOf = (name: 'SSH_FXP_STAT' | 'SSH_FXP_LSTAT'): Packet<OfPath> =>
  packetOf<OfPath>(name, {
    read: reader => {
      const path = fileName.read(reader)
      if (reader.remaining > 0) reader.uint32()
      return { path }
    },
    write: (writer, { path }) => {
      fileName.write(writer, path)
      writer.uint32(wanted)
    },
  })

const nameEntry = (attributes: Codec<Attributes>): Codec<NameEntry> => ({
  read: reader => ({ filename: fileName.read(reader), longname: '', attributes: attributes.read(reader) }),
  write: (writer, value) => {
    fileName.write(writer, value.filename)
    attributes.write(writer, value.attributes)
  },
})

interface Shared {
  readonly Stat: Packet<OfPath>
  readonly Lstat: Packet<OfPath>
  readonly Fstat: Packet<OfHandle>
  readonly Setstat: Packet<OfPath & WithAttributes>
  readonly Fsetstat: Packet<OfHandle & WithAttributes>
  readonly Mkdir: Packet<OfPath & WithAttributes>
  readonly Name: Packet<readonly NameEntry[]>
  readonly Attrs: Packet<WithAttributes>
}

/** The packets that differ from version 3 only by their attributes, and by who asks saying which he wants. */
export const sharedPackets = (attributes: Codec<Attributes>): Shared => ({
  Stat: statOf('SSH_FXP_STAT'),
  Lstat: statOf('SSH_FXP_LSTAT'),
  Fstat: packetOf<OfHandle>('SSH_FXP_FSTAT', {
    read: reader => {
      const handle = bytes.read(reader)
      if (reader.remaining > 0) reader.uint32()
      return { handle }
    },
    write: (writer, { handle }) => {
      bytes.write(writer, handle)
      uint32.write(writer, wanted)
    },
  }),
  Setstat: packet('SSH_FXP_SETSTAT', { path: fileName, attributes }),
  Fsetstat: packet('SSH_FXP_FSETSTAT', { handle: bytes, attributes }),
  Mkdir: packet('SSH_FXP_MKDIR', { path: fileName, attributes }),
  Name: packetOf('SSH_FXP_NAME', namesOf(counted(nameEntry(attributes), mostNames))),
  Attrs: packet('SSH_FXP_ATTRS', { attributes }),
})

/** Version 6 may say after the names that they were the last; we do not need it. */
const namesOf = (names: Codec<readonly NameEntry[]>): Codec<readonly NameEntry[]> => ({
  read: reader => {
    const read = names.read(reader)
    if (reader.remaining > 0) reader.boolean()
    return read
  },
  write: (writer, value) => names.write(writer, value),
})

/** Where the draft has the arguments of SYMLINK: first the link, then what it points to. */
export const linkFields = struct({ path: fileName, target: fileName })

// Owns version 5 (draft-ietf-secsh-filexfer-05): how a file is opened said in two words, and RENAME with flags.
import type { Codec } from '../../wire/codec.ts'
import type { Attributes } from '../attributes.ts'
import type { OpenOptions } from '../files.ts'
import { fileName } from '../names.ts'
import type { Packet } from '../messages.ts'
import { attributeFlags, attributesOf, sharedPackets } from './later.ts'
import { type OpenRequest, packetOf, type RenameRequest, type SftpVersion } from './version.ts'
import { Realpath, Status } from './version3.ts'
import { Symlink } from './version4.ts'

const attributes = attributesOf({ types: 9, bits: 1, full: false })

/** Bits of `desired-access` (draft-ietf-secsh-filexfer-05 §6.3). */
const access = { readData: 0x01, writeData: 0x02, appendData: 0x04, readAttributes: 0x80, writeAttributes: 0x100 } as const

/** How `flags` begins: what is to become of a file that is or is not there. */
const dispositions = { createNew: 0, createTruncate: 1, openExisting: 2, openOrCreate: 3, truncateExisting: 4 } as const
const dispositionMask = 0x07
/** Further bits of `flags`, those of version 6 included. What is not here is what nobody does: locks, deletion on close. */
const openFlags = { append: 0x08, appendAtomic: 0x10, text: 0x20, noFollow: 0x400 } as const
const known = dispositionMask | openFlags.append | openFlags.appendAtomic | openFlags.text | openFlags.noFollow

const dispositionOf = ({ create, exclusive, truncate }: OpenOptions): number => {
  if (create && exclusive) return dispositions.createNew
  if (create) return truncate ? dispositions.createTruncate : dispositions.openOrCreate
  return truncate ? dispositions.truncateExisting : dispositions.openExisting
}

const optionsOf = (wanted: number, flags: number): OpenOptions => {
  const disposition = flags & dispositionMask
  const appendOnly = (wanted & (access.writeData | access.appendData)) === access.appendData
  return {
    read: (wanted & access.readData) !== 0,
    write: (wanted & (access.writeData | access.appendData)) !== 0,
    append: appendOnly || (flags & (openFlags.append | openFlags.appendAtomic)) !== 0,
    create:
      disposition === dispositions.createNew || disposition === dispositions.createTruncate || disposition === dispositions.openOrCreate,
    truncate: disposition === dispositions.createTruncate || disposition === dispositions.truncateExisting,
    exclusive: disposition === dispositions.createNew,
    noFollow: (flags & openFlags.noFollow) !== 0,
  }
}

/** draft-ietf-secsh-filexfer-05 §6.3, -13 §8.1.1. A disposition nobody knows is told among the further flags. */
export const openOf = (codec: Codec<Attributes>): Packet<OpenRequest> =>
  packetOf<OpenRequest>('SSH_FXP_OPEN', {
    read: reader => {
      const filename = fileName.read(reader)
      const wanted = reader.uint32()
      const flags = reader.uint32()
      const strange = (flags & dispositionMask) > dispositions.truncateExisting ? flags & dispositionMask : 0
      return {
        filename,
        options: optionsOf(wanted, flags),
        text: (flags & openFlags.text) !== 0,
        further: ((flags & ~known) | strange) >>> 0,
        attributes: codec.read(reader),
      }
    },
    write: (writer, { filename, options, text, further, attributes: given }) => {
      fileName.write(writer, filename)
      writer.uint32(
        (options.read ? access.readData | access.readAttributes : 0) |
          (options.write ? access.writeData | access.writeAttributes : 0) |
          (options.append && options.write ? access.appendData : 0),
      )
      writer.uint32(
        (((further & dispositionMask) === 0 ? dispositionOf(options) : 0) |
          (options.append ? openFlags.append : 0) |
          (text ? openFlags.text : 0) |
          (options.noFollow ? openFlags.noFollow : 0) |
          further) >>>
          0,
      )
      codec.write(writer, given)
    },
  })

const renameFlags = { overwrite: 1, atomic: 2, native: 4 } as const

/** draft-ietf-secsh-filexfer-05 §6.5. To be atomic includes to replace; ours always is. */
export const Rename = packetOf<RenameRequest>('SSH_FXP_RENAME', {
  read: reader => ({
    from: fileName.read(reader),
    to: fileName.read(reader),
    replace: reader.remaining > 0 && (reader.uint32() & (renameFlags.overwrite | renameFlags.atomic)) !== 0,
  }),
  write: (writer, { from, to, replace }) => {
    fileName.write(writer, from)
    fileName.write(writer, to)
    writer.uint32(replace ? renameFlags.overwrite | renameFlags.atomic : 0)
  },
})

/** For `supported`: attributes and flags that are understood. */
export const version5Support = {
  attributeMask:
    attributeFlags.size |
    attributeFlags.permissions |
    attributeFlags.accessed |
    attributeFlags.created |
    attributeFlags.modified |
    attributeFlags.ownerGroup |
    attributeFlags.subseconds,
  openFlags: dispositionMask | openFlags.append | openFlags.appendAtomic | openFlags.text,
  accessMask: access.readData | access.writeData | access.appendData | access.readAttributes | access.writeAttributes,
} as const

export const version5: SftpVersion = {
  version: 5,
  attributes,
  Open: openOf(attributes),
  Rename,
  Realpath,
  Link: Symlink,
  Status,
  ...sharedPackets(attributes),
}

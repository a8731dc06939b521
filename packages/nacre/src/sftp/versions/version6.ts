// Owns version 6 (draft-ietf-secsh-filexfer-13): attributes of a file system in full, REALPATH with checks, LINK for both
// kinds of links.
import { struct, boolean } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { attributeFlags, attributesOf, sharedPackets } from './later.ts'
import { type LinkRequest, packetOf, type RealpathRequest, type SftpVersion } from './version.ts'
import { Status } from './version3.ts'
import { openOf, Rename, version5Support } from './version5.ts'

const attributes = attributesOf({ types: 9, bits: 2, full: true })

/** draft-ietf-secsh-filexfer-13 §8.9; their numbers begin with 1. */
const checks = ['none', 'if-there', 'must-exist'] as const
/** Paths a REALPATH may name to go on by. */
const mostComposed = 256

const Realpath = packetOf<RealpathRequest>('SSH_FXP_REALPATH', {
  read: reader => {
    const path = fileName.read(reader)
    const check = reader.remaining > 0 ? (checks[reader.byte() - 1] ?? 'none') : 'none'
    const compose: string[] = []
    while (reader.remaining > 0 && compose.length < mostComposed) compose.push(fileName.read(reader))
    return { path, check, compose }
  },
  write: (writer, { path, check, compose }) => {
    fileName.write(writer, path)
    writer.byte(checks.indexOf(check) + 1)
    for (const each of compose) fileName.write(writer, each)
  },
})

/** draft-ietf-secsh-filexfer-13 §8.7. */
const linkFields = struct({ path: fileName, target: fileName, symbolic: boolean })
const Link = packetOf<LinkRequest>('SSH_FXP_LINK', linkFields)

/** For `supported2`: attributes and flags that are understood. */
export const version6Support = {
  ...version5Support,
  attributeMask: version5Support.attributeMask | attributeFlags.allocated | attributeFlags.links | attributeFlags.changed,
  /** And not to follow a symbolic link. */
  openFlags: version5Support.openFlags | 0x400,
} as const

export const version6: SftpVersion = {
  version: 6,
  attributes,
  Open: openOf(attributes),
  Rename,
  Realpath,
  Link,
  Status,
  ...sharedPackets(attributes),
}

// Owns the packets of SFTP: their numbers, and the fields of those that are alike in every version (draft-ietf-secsh-filexfer-02).
// What versions changed is in `versions/`; HANDLE and DATA are one string after the id. Knows neither who sends them nor files.
import { bytes, type Codec, type Fields, type Struct, struct, uint32, uint64 } from '../wire/codec.ts'
import type { Reader } from '../wire/reader.ts'
import { fileName } from './names.ts'

/** draft-ietf-secsh-filexfer-13 §4.3, and LINK, BLOCK and UNBLOCK of version 6. */
export const packetTypes = {
  SSH_FXP_INIT: 1,
  SSH_FXP_VERSION: 2,
  SSH_FXP_OPEN: 3,
  SSH_FXP_CLOSE: 4,
  SSH_FXP_READ: 5,
  SSH_FXP_WRITE: 6,
  SSH_FXP_LSTAT: 7,
  SSH_FXP_FSTAT: 8,
  SSH_FXP_SETSTAT: 9,
  SSH_FXP_FSETSTAT: 10,
  SSH_FXP_OPENDIR: 11,
  SSH_FXP_READDIR: 12,
  SSH_FXP_REMOVE: 13,
  SSH_FXP_MKDIR: 14,
  SSH_FXP_RMDIR: 15,
  SSH_FXP_REALPATH: 16,
  SSH_FXP_STAT: 17,
  SSH_FXP_RENAME: 18,
  SSH_FXP_READLINK: 19,
  SSH_FXP_SYMLINK: 20,
  SSH_FXP_LINK: 21,
  SSH_FXP_BLOCK: 22,
  SSH_FXP_UNBLOCK: 23,
  SSH_FXP_STATUS: 101,
  SSH_FXP_HANDLE: 102,
  SSH_FXP_DATA: 103,
  SSH_FXP_NAME: 104,
  SSH_FXP_ATTRS: 105,
  SSH_FXP_EXTENDED: 200,
  SSH_FXP_EXTENDED_REPLY: 201,
} as const
export type PacketName = keyof typeof packetTypes

/** Largest packet either side of OpenSSH takes, in bytes without the length before it. Ours is the same. */
export const maximumPacket = 256 * 1024
/** Largest read and write OpenSSH's server announces: a packet less 1,024 bytes for what goes around them. */
export const maximumData = maximumPacket - 1024
/** Handles are at most this long (draft-ietf-secsh-filexfer-02 §6.2). */
export const maximumHandle = 256

/** A packet: its number, and the codec of what follows the number and, but for INIT and VERSION, the request id. */
export interface Packet<T> extends Codec<T> {
  readonly name: PacketName
  readonly number: number
}

export const packet = <const F extends Fields>(name: PacketName, fields: F): Packet<Struct<F>> => ({
  name,
  number: packetTypes[name],
  ...struct(fields),
})

/** Pairs of names and data to the end of a packet, at most 256. */
const extensionPairs: Codec<readonly { readonly name: string; readonly data: Uint8Array }[]> = {
  read: (reader: Reader) => {
    const pairs: { name: string; data: Uint8Array }[] = []
    while (reader.remaining > 0 && pairs.length < 256) pairs.push({ name: reader.text(), data: reader.string().slice() })
    return pairs
  },
  write: (writer, value) => {
    for (const { name, data } of value) {
      writer.text(name)
      writer.string(data)
    }
  },
}

/** Without a request id. */
export const Init = packet('SSH_FXP_INIT', { version: uint32, extensions: extensionPairs })
/** Without a request id. */
export const Version = packet('SSH_FXP_VERSION', { version: uint32, extensions: extensionPairs })

export const Close = packet('SSH_FXP_CLOSE', { handle: bytes })
export const Read = packet('SSH_FXP_READ', { handle: bytes, offset: uint64, length: uint32 })
export const Write = packet('SSH_FXP_WRITE', { handle: bytes, offset: uint64, data: bytes })
export const Opendir = packet('SSH_FXP_OPENDIR', { path: fileName })
export const Readdir = packet('SSH_FXP_READDIR', { handle: bytes })
export const Remove = packet('SSH_FXP_REMOVE', { filename: fileName })
export const Rmdir = packet('SSH_FXP_RMDIR', { path: fileName })
export const Readlink = packet('SSH_FXP_READLINK', { path: fileName })

/** Bits of `pflags` in version 3 (draft-ietf-secsh-filexfer-02 §6.3). */
export const openFlags = { read: 0x01, write: 0x02, append: 0x04, create: 0x08, truncate: 0x10, exclusive: 0x20 } as const

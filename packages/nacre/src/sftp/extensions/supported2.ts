// Owns supported2: what a server of version 6 can do (draft-ietf-secsh-filexfer-13 §4.5).
import { type Codec, counted, encode, struct, text, uint32 } from '../../wire/codec.ts'
import { version6Support } from '../versions/version6.ts'
import { type ExtensionRow, onlyAnnounced, requestNames } from './row.ts'

const uint16: Codec<number> = {
  read: reader => reader.byte() * 256 + reader.byte(),
  write: (writer, value) => {
    writer.byte(value >> 8)
    writer.byte(value & 0xff)
  },
}

const support = struct({
  attributeMask: uint32,
  attributeBits: uint32,
  openFlags: uint32,
  accessMask: uint32,
  maximumRead: uint32,
  /** A bit for each combination of locks: the lowest is to have none. */
  openBlocks: uint16,
  blocks: uint16,
  attributeExtensions: counted(text, 256),
  extensions: counted(text, 256),
})

export const supported2: ExtensionRow<'supported2', undefined, void> = {
  name: 'supported2',
  about: 'attributes, flags, locks and extensions that are known',
  versions: [6, 6],
  announced: serving =>
    encode(support, {
      ...version6Support,
      attributeBits: 0,
      maximumRead: serving.limits.read,
      openBlocks: 1,
      blocks: 1,
      attributeExtensions: [],
      extensions: requestNames(serving),
    }),
  ...onlyAnnounced,
}

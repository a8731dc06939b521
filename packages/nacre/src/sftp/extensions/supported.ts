// Owns supported: what a server of version 5 can do (draft-ietf-secsh-filexfer-05 §4.4).
import { encode, repeated, struct, text, uint32 } from '../../wire/codec.ts'
import { version5Support } from '../versions/version5.ts'
import { type ExtensionRow, onlyAnnounced, requestNames } from './row.ts'

const support = struct({
  attributeMask: uint32,
  attributeBits: uint32,
  openFlags: uint32,
  accessMask: uint32,
  maximumRead: uint32,
  extensions: repeated(text, 256),
})

export const supported: ExtensionRow<'supported', undefined, void> = {
  name: 'supported',
  about: 'attributes, flags and extensions that are known',
  versions: [5, 5],
  announced: serving =>
    encode(support, { ...version5Support, attributeBits: 0, maximumRead: serving.limits.read, extensions: requestNames(serving) }),
  ...onlyAnnounced,
}

// Owns version 4 (draft-ietf-secsh-filexfer-04): the kind of file apart from its mode, owners by name, fine times, text mode.
import { fileName } from '../names.ts'
import { attributesOf, linkFields, sharedPackets } from './later.ts'
import { type LinkRequest, type OpenRequest, packetOf, type SftpVersion } from './version.ts'
import { optionsOfPflags, pflagsOf, Realpath, Rename, Status } from './version3.ts'

const attributes = attributesOf({ types: 5, bits: 0, full: false })

/** SSH_FXF_TEXT, besides the flags of version 3. */
const textFlag = 0x40

/** draft-ietf-secsh-filexfer-04 §6.3. */
const Open = packetOf<OpenRequest>('SSH_FXP_OPEN', {
  read: reader => {
    const filename = fileName.read(reader)
    const flags = reader.uint32()
    return { filename, options: optionsOfPflags(flags), text: (flags & textFlag) !== 0, further: 0, attributes: attributes.read(reader) }
  },
  write: (writer, { filename, options, text, attributes: given }) => {
    fileName.write(writer, filename)
    writer.uint32(pflagsOf(options) | (text ? textFlag : 0))
    attributes.write(writer, given)
  },
})

/** As the draft has it, unlike OpenSSH's version 3. */
export const Symlink = packetOf<LinkRequest>('SSH_FXP_SYMLINK', {
  read: reader => ({ ...linkFields.read(reader), symbolic: true }),
  write: (writer, value) => linkFields.write(writer, value),
})

export const version4: SftpVersion = { version: 4, attributes, Open, Rename, Realpath, Link: Symlink, Status, ...sharedPackets(attributes) }

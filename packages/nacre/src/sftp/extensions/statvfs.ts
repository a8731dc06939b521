// Owns statvfs@openssh.com: room and names left in the file system a path is on.
import { type Codec, type Infer, struct } from '../../wire/codec.ts'
import type { Reader } from '../../wire/reader.ts'
import { fileName } from '../names.ts'
import type { FilesystemStat } from '../files.ts'
import { count } from '../versions/numbers.ts'
import { asBytes, type ExtensionRow } from './row.ts'

const flags = { readOnly: 1, noSetuid: 2 } as const

const readCounts = (reader: Reader): Omit<FilesystemStat, 'id' | 'readOnly' | 'noSetuid' | 'maximumName'> => ({
  blockSize: count.read(reader),
  fragmentSize: count.read(reader),
  blocks: count.read(reader),
  freeBlocks: count.read(reader),
  availableBlocks: count.read(reader),
  files: count.read(reader),
  freeFiles: count.read(reader),
  availableFiles: count.read(reader),
})

/** Eleven uint64, as OpenSSH's PROTOCOL §4.4 has them. */
export const filesystemStat: Codec<FilesystemStat> = {
  read: reader => {
    const counts = readCounts(reader)
    const id = reader.uint64()
    const flag = Number(reader.uint64() & 3n)
    return {
      ...counts,
      id,
      readOnly: (flag & flags.readOnly) !== 0,
      noSetuid: (flag & flags.noSetuid) !== 0,
      maximumName: count.read(reader),
    }
  },
  write: (writer, value) => {
    const { blockSize, fragmentSize, blocks, freeBlocks, availableBlocks, files, freeFiles, availableFiles } = value
    for (const each of [blockSize, fragmentSize, blocks, freeBlocks, availableBlocks, files, freeFiles, availableFiles])
      count.write(writer, each)
    writer.uint64(BigInt.asUintN(64, value.id))
    count.write(writer, (value.readOnly ? flags.readOnly : 0) | (value.noSetuid ? flags.noSetuid : 0))
    count.write(writer, value.maximumName)
  },
}

const request = struct({ path: fileName })

export const statvfs: ExtensionRow<'statvfs@openssh.com', Infer<typeof request>, FilesystemStat> = {
  name: 'statvfs@openssh.com',
  about: 'ask for the room left where a path is',
  announced: () => asBytes('2'),
  request,
  answer: { as: 'fields', fields: filesystemStat },
  changes: false,
  paths: ({ path }) => [path],
  serve: (serving, { path }) => serving.files.statvfs(serving.absolute(path)),
}

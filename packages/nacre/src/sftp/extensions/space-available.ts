// Owns space-available: bytes on the device a path is on (draft-ietf-secsh-filexfer-extensions-00 §4).
import { whenThere } from '../../io/soon.ts'
import { type Infer, struct, uint32 } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { count } from '../versions/numbers.ts'
import { asBytes, type ExtensionRow } from './row.ts'

const request = struct({ path: fileName })
/** In bytes; 0 where it is not known. */
const answer = struct({ device: count, unused: count, user: count, unusedForUser: count, unit: uint32 })

export const spaceAvailable: ExtensionRow<'space-available', Infer<typeof request>, Infer<typeof answer>> = {
  name: 'space-available',
  about: 'ask for the bytes left where a path is',
  announced: () => asBytes(''),
  request,
  answer: { as: 'fields', fields: answer },
  changes: false,
  paths: ({ path }) => [path],
  serve: (serving, { path }) =>
    whenThere(serving.files.statvfs(serving.absolute(path)), ({ fragmentSize, blocks, freeBlocks, availableBlocks }) => {
      const inBytes = (count: number): number => Math.min(Number.MAX_SAFE_INTEGER, count * fragmentSize)
      // No quota is known: what a user may have is what he has and what is left, which nobody counts.
      return { device: inBytes(blocks), unused: inBytes(freeBlocks), user: 0, unusedForUser: inBytes(availableBlocks), unit: fragmentSize }
    }),
}

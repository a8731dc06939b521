// Owns check-file: hashes of a file by handle in the older form, which names itself in the answer
// (draft-ietf-secsh-filexfer-09 §9.1.2; paramiko asks so). Its name in VERSION announces the two newer forms too.
import { bytes, type Infer, rest, struct, text } from '../../wire/codec.ts'
import { hashQuestion, hashRange, hashNames, readable } from './hashing.ts'
import { asBytes, type ExtensionRow } from './row.ts'

const request = struct({ handle: bytes, ...hashQuestion })
const answer = struct({ extension: text, algorithm: text, hashes: rest })

export const checkFile: ExtensionRow<'check-file', Infer<typeof request>, Infer<typeof answer>> = {
  name: 'check-file',
  about: 'hash an open file, or blocks of it (older form)',
  announced: serving => asBytes(hashNames.filter(name => serving.hasher(name) !== undefined).join(',')),
  request,
  answer: { as: 'fields', fields: answer },
  changes: false,
  handles: ({ handle }) => [handle],
  serve: async (serving, { handle, ...question }) => ({
    extension: 'check-file',
    ...(await hashRange(serving, readable(serving, handle).file, question)),
  }),
}

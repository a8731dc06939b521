// Owns check-file-name: hashes of a file by name (draft-ietf-secsh-filexfer-extensions-00 §3). Announced by `check-file`.
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { type HashAnswer, hashAnswer, hashQuestion, hashRange, withFile } from './hashing.ts'
import type { ExtensionRow } from './row.ts'

const request = struct({ path: fileName, ...hashQuestion })

export const checkFileName: ExtensionRow<'check-file-name', Infer<typeof request>, HashAnswer> = {
  name: 'check-file-name',
  about: 'hash a file by name, or blocks of it',
  announced: () => undefined,
  request,
  answer: { as: 'fields', fields: hashAnswer },
  changes: false,
  paths: ({ path }) => [path],
  serve: (serving, { path, ...question }) => withFile(serving, path, file => hashRange(serving, file, question)),
}

// Owns check-file-handle: hashes of an open file (draft-ietf-secsh-filexfer-extensions-00 §3). Announced by `check-file`.
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import { type HashAnswer, hashAnswer, hashQuestion, hashRange, readable } from './hashing.ts'
import type { ExtensionRow } from './row.ts'

const request = struct({ handle: bytes, ...hashQuestion })

export const checkFileHandle: ExtensionRow<'check-file-handle', Infer<typeof request>, HashAnswer> = {
  name: 'check-file-handle',
  about: 'hash an open file, or blocks of it',
  announced: () => undefined,
  request,
  answer: { as: 'fields', fields: hashAnswer },
  changes: false,
  handles: ({ handle }) => [handle],
  serve: (serving, { handle, ...question }) => hashRange(serving, readable(serving, handle).file, question),
}

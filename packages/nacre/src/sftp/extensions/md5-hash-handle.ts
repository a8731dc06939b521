// Owns md5-hash-handle: the MD5 of a range of an open file (draft-ietf-secsh-filexfer-09 §9.1.1). Announced by `md5-hash`.
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import { readable } from './hashing.ts'
import { md5Answer, md5Of, md5Question } from './md5-hash.ts'
import type { ExtensionRow } from './row.ts'

const request = struct({ handle: bytes, ...md5Question })

export const md5HashHandle: ExtensionRow<'md5-hash-handle', Infer<typeof request>, Infer<typeof md5Answer>> = {
  name: 'md5-hash-handle',
  about: 'the MD5 of an open file, or of a range of it',
  announced: () => undefined,
  request,
  answer: { as: 'fields', fields: md5Answer },
  changes: false,
  handles: ({ handle }) => [handle],
  serve: (serving, { handle, ...question }) => md5Of(serving, readable(serving, handle).file, 'md5-hash-handle', question),
}

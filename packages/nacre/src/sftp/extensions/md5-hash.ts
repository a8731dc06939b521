// Owns md5-hash: the MD5 of a range of a file by name (draft-ietf-secsh-filexfer-09 §9.1.1).
import { bytes, type Infer, struct, text } from '../../wire/codec.ts'
import type { OpenFile } from '../files.ts'
import { fileName } from '../names.ts'
import { size } from '../versions/numbers.ts'
import { hashRange, withFile } from './hashing.ts'
import { asBytes, type ExtensionRow, type Serving } from './row.ts'

/** What follows the file in a request. */
export const md5Question = {
  offset: size,
  /** Bytes; 0 for all there are. */
  length: size,
  /** The MD5 of the first 2048 bytes of the range, so that a file that differs there is not read further; empty to do without. */
  quickCheck: bytes,
} as const
const questionFields = struct(md5Question)
/** `hash` is empty when the quick check showed that the file is another one. */
export const md5Answer = struct({ extension: text, hash: bytes })
type Md5Answer = Infer<typeof md5Answer>

const quickBytes = 2048

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((each, index) => each === b[index])

export const md5Of = async (
  serving: Serving,
  file: OpenFile,
  extension: string,
  { offset, length, quickCheck }: Infer<typeof questionFields>,
): Promise<Md5Answer> => {
  const one = { algorithms: 'md5', blockSize: 0, offset }
  if (quickCheck.length > 0) {
    const { hashes } = await hashRange(serving, file, { ...one, length: length === 0 ? quickBytes : Math.min(quickBytes, length) })
    if (!sameBytes(hashes, quickCheck)) return { extension, hash: new Uint8Array(0) }
  }
  return { extension, hash: (await hashRange(serving, file, { ...one, length })).hashes }
}

const request = struct({ path: fileName, ...md5Question })

export const md5Hash: ExtensionRow<'md5-hash', Infer<typeof request>, Md5Answer> = {
  name: 'md5-hash',
  about: 'the MD5 of a file by name, or of a range of it',
  announced: serving => (serving.hasher('md5') === undefined ? undefined : asBytes('')),
  request,
  answer: { as: 'fields', fields: md5Answer },
  changes: false,
  paths: ({ path }) => [path],
  serve: (serving, { path, ...question }) => withFile(serving, path, file => md5Of(serving, file, 'md5-hash', question)),
}

// Owns hashes of ranges of files, as check-file asks for them (draft-ietf-secsh-filexfer-extensions-00 §3). Knows no packets.
import type { Hasher } from '../../crypto/provider.ts'
import { SftpError } from '../../errors.ts'
import { type Infer, rest, struct, text, uint32 } from '../../wire/codec.ts'
import type { OpenFile } from '../files.ts'
import { size } from '../versions/numbers.ts'
import { eachPiece } from './pieces.ts'
import type { ServedFile, Serving } from './row.ts'

/** What may be asked for, in the order it is announced in. */
export const hashNames = ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'crc32'] as const

/** What follows the file in a request. */
export const hashQuestion = {
  /** By name, the most wanted first, with commas between. */
  algorithms: text,
  offset: size,
  /** Bytes; 0 for all there are. */
  length: size,
  /** A hash for each so many bytes, at least 256; 0 for one of all. */
  blockSize: uint32,
} as const
const questionFields = struct(hashQuestion)
export type HashQuestion = Infer<typeof questionFields>

/** The algorithm that was used, and the hashes one after the other. */
export const hashAnswer = struct({ algorithm: text, hashes: rest })
export type HashAnswer = Infer<typeof hashAnswer>

const smallestBlock = 256

const chosen = (serving: Serving, list: string): { readonly name: string; readonly make: () => Hasher } => {
  for (const name of list.split(',')) {
    const first = serving.hasher(name)
    if (first !== undefined) return { name, make: () => serving.hasher(name) ?? first }
  }
  throw new SftpError('op-unsupported', 'None of these hashes is known here.', { operation: 'hash' })
}

/** Hashes that fit a packet; throws `invalid-parameter` for a question with more of them. */
export const hashRange = async (serving: Serving, file: OpenFile, question: HashQuestion): Promise<HashAnswer> => {
  const { offset, length, blockSize } = question
  if (blockSize > 0 && blockSize < smallestBlock)
    throw new SftpError('invalid-parameter', `Blocks to hash have at least ${smallestBlock} bytes.`, { operation: 'hash' })
  if (offset + length > Number.MAX_SAFE_INTEGER) throw new SftpError('invalid-parameter', 'The range goes beyond 2^53 - 1.')
  const { name, make } = chosen(serving, question.algorithms)
  const room = serving.limits.packet - 1024
  const hashes: Uint8Array[] = []
  let [bytes, filled] = [0, 0]
  let hasher = make()
  const finish = (): void => {
    const digest = hasher.digest()
    bytes += digest.length
    if (bytes > room) throw new SftpError('invalid-parameter', 'That many hashes do not fit an answer: ask for larger blocks.')
    hashes.push(digest)
    hasher = make()
    filled = 0
  }
  await eachPiece({ file, offset, length }, serving, piece => {
    for (let at = 0; at < piece.length;) {
      const part = blockSize === 0 ? piece : piece.subarray(at, at + blockSize - filled)
      hasher.update(part)
      at += part.length
      filled += part.length
      if (filled === blockSize) finish()
    }
  })
  if (blockSize === 0 || filled > 0) finish()
  const joined = new Uint8Array(bytes)
  let at = 0
  for (const each of hashes) {
    joined.set(each, at)
    at += each.length
  }
  return { algorithm: name, hashes: joined }
}

/** The file behind a handle that may be read. */
export const readable = (serving: Serving, handle: Uint8Array): ServedFile => {
  const served = serving.fileOf(handle)
  if (!served.options.read) throw new SftpError('permission-denied', 'The file is not open for reading.', { operation: 'hash' })
  return served
}

/** Opens the file at `path` for `use`, and closes it. */
export const withFile = async <T>(serving: Serving, path: string, use: (file: OpenFile) => Promise<T>): Promise<T> => {
  const options = { read: true, write: false, append: false, create: false, exclusive: false, truncate: false, noFollow: false }
  const file = await serving.files.open(serving.absolute(path), options, {})
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

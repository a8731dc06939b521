// Owns hashes of remote files: by the server where it can, else by reading them here if that is asked for. Knows no packets.
import { SftpError } from '../../errors.ts'
import type { Hasher, HashName } from '../../crypto/provider.ts'
import { checkFileName } from '../extensions/check-file-name.ts'
import { checkFile } from '../extensions/check-file.ts'
import { md5Hash } from '../extensions/md5-hash.ts'
import type { HashAnswer } from '../extensions/hashing.ts'
import { Reader } from '../../wire/reader.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { ReadAhead } from './read-ahead.ts'
import type { OpenHandle } from './requests.ts'

export interface HashRange {
  /** First byte. */
  readonly start: number
  /** Bytes; left out, all to the end. */
  readonly length?: number
}

export interface HashOptions extends Given {
  /** As `check-file` names them. Default `sha256`. */
  readonly algorithm?: HashName
  /** Parts of the file, each with a hash of its own. Default all of it. */
  readonly ranges?: readonly HashRange[]
  /** `read`: read the file and hash it here when the server cannot. Default: then it is an error. */
  readonly fallback?: 'read'
}

export interface HashResult {
  readonly algorithm: HashName
  /** One for each range. */
  readonly digests: readonly Uint8Array[]
  /** The first of them. */
  readonly digest: Uint8Array
  /** Who computed them. A server that lies can say anything. */
  readonly by: 'server' | 'client'
}

const digestBytes: Readonly<Record<HashName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }

/** The digest in an answer. Some servers name the extension first, as the older draft has it. */
const digestIn = (algorithm: HashName, answer: HashAnswer): Uint8Array | undefined => {
  let { algorithm: used, hashes } = answer
  if (used.startsWith('check-file')) {
    const reader = new Reader(hashes)
    used = reader.text()
    hashes = reader.rest()
  }
  return used === algorithm && hashes.length === digestBytes[algorithm] ? hashes : undefined
}

const byServer = async (
  calls: Calls,
  path: string,
  algorithm: HashName,
  range: HashRange,
  given: Given,
): Promise<Uint8Array | undefined> => {
  const about = { operation: 'hash', path, signal: given.signal }
  const { start, length = 0 } = range
  if (calls.has(checkFile) || calls.has(checkFileName)) {
    const question = { path, algorithms: algorithm, offset: start, length, blockSize: 0 }
    return digestIn(algorithm, await calls.extended(checkFileName, question, about))
  }
  if (algorithm !== 'md5' || !calls.has(md5Hash)) return undefined
  const { hash } = await calls.extended(md5Hash, { path, offset: start, length, quickCheck: new Uint8Array(0) }, about)
  return hash.length === digestBytes.md5 ? hash : undefined
}

const byReading = async (
  calls: Calls,
  file: OpenHandle,
  { start, length }: HashRange,
  hasher: Hasher,
  { signal }: Given,
): Promise<Uint8Array> => {
  const { size } = await calls.fstat(file, { signal })
  const ahead = new ReadAhead(calls, file, { start, end: length === undefined ? undefined : start + length, size, signal })
  try {
    for (let bytes = await ahead.next(); bytes !== undefined; bytes = await ahead.next()) hasher.update(bytes)
  } finally {
    ahead.cancel()
  }
  return hasher.digest()
}

const cannot = (error: unknown): boolean =>
  error instanceof SftpError && (error.status === 'op-unsupported' || error.status === 'invalid-parameter' || error.status === 'failure')

export const hash = async (calls: Calls, path: string, options: HashOptions = {}): Promise<HashResult> => {
  const { algorithm = 'sha256', ranges = [{ start: 0 }], fallback, signal } = options
  const given = { signal }
  const result = (digests: readonly Uint8Array[], by: HashResult['by']): HashResult => ({ algorithm, digests, digest: digests[0], by })
  if (ranges.length === 0) throw new RangeError('no range to hash')
  try {
    // A length of 0 means all to the end: nothing is hashed here.
    const empty = ranges.some(range => range.length === 0)
    const digests = empty ? [undefined] : await Promise.all(ranges.map(range => byServer(calls, path, algorithm, range, given)))
    if (digests.every(digest => digest !== undefined)) return result(digests, 'server')
  } catch (error) {
    if (fallback === undefined || !cannot(error)) throw error
  }
  if (fallback === undefined)
    throw failureOf('op-unsupported', `the server cannot compute ${algorithm}; \`fallback: 'read'\` reads the file and hashes it here`, {
      operation: 'hash',
      path,
    })
  const { hasher } = await import('../../crypto/web/hashing.ts')
  const file = await calls.open(path, { read: true }, {}, given)
  try {
    const digests: Uint8Array[] = []
    for (const range of ranges) digests.push(await byReading(calls, file, range, hasher(algorithm), given))
    return result(digests, 'client')
  } finally {
    void calls.closeQuietly(file)
  }
}

// Short ways to ask files of any kind, for tests.
import { SftpError } from '../../../src/errors.ts'
import type { Files, OpenFile, OpenOptions } from '../../../src/sftp/files.ts'

const nothing: OpenOptions = {
  read: false,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  noFollow: false,
}
export const reading: OpenOptions = { ...nothing, read: true }
export const writing: OpenOptions = { ...nothing, read: true, write: true, create: true }

const text = new TextDecoder()
export const bytes = (of: string): Uint8Array => new TextEncoder().encode(of)

export const put = async (files: Files, path: string, contents: string, permissions = 0o644): Promise<void> => {
  const file = await files.open(path, { ...writing, truncate: true }, { permissions })
  await file.write(0, bytes(contents))
  await file.close()
}

export const contentsOf = async (file: OpenFile, most = 100_000): Promise<string> => {
  const into = new Uint8Array(most)
  return text.decode(into.subarray(0, await file.read(0, into)))
}

export const get = async (files: Files, path: string): Promise<string> => {
  const file = await files.open(path, reading, {})
  try {
    return await contentsOf(file)
  } finally {
    await file.close()
  }
}

/** Names in a directory, sorted, without `.` and `..`. */
export const namesIn = async (files: Files, path: string): Promise<string[]> => {
  const names: string[] = []
  const listing = await files.list(path)
  for (let some = await listing.next(); some !== undefined; some = await listing.next()) names.push(...some.map(({ name }) => name))
  await listing.close()
  return names.filter(name => name !== '.' && name !== '..').toSorted()
}

/** Whether it is an `SftpError` of that POSIX name, which says something. */
export const fault =
  (errno: string) =>
  (error: unknown): boolean =>
    error instanceof SftpError && error.errno === errno && error.message.length > 10

// Owns what tests of files on a disk share: a folder for each test, and reading and writing through `Files`. Knows no server.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { SftpError, type SftpStatus } from '../../../src/errors.ts'
import type { FileEntry, Files, OpenOptions } from '../../../src/sftp/files.ts'

/** A file system in memory where there is one: for tests that make and remove tens of thousands of files. */
export const quickDisk = fs.existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const folderFor = (t: TestContext, below = tmpdir()): string => {
  const folder = fs.realpathSync(fs.mkdtempSync(join(below, 'nacre-files-')))
  t.after(() => {
    fs.rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

const nothing: OpenOptions = {
  read: false,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  noFollow: false,
}
export const how = (...flags: (keyof OpenOptions)[]): OpenOptions => ({
  ...nothing,
  ...Object.fromEntries(flags.map(flag => [flag, true])),
})

const utf8 = new TextEncoder()
export const bytesOf = (text: string): Uint8Array => utf8.encode(text)

export const readAll = async (files: Files, path: string, most = 1 << 16): Promise<string> => {
  const file = await files.open(path, how('read'), {})
  try {
    const into = new Uint8Array(most)
    return Buffer.from(into.subarray(0, await file.read(0, into))).toString('latin1')
  } finally {
    await file.close()
  }
}

export const writeAll = async (files: Files, path: string, text: string): Promise<void> => {
  const file = await files.open(path, how('write', 'create', 'truncate'), {})
  try {
    await file.write(0, bytesOf(text))
  } finally {
    await file.close()
  }
}

export const listAll = async (files: Files, path: string): Promise<FileEntry[]> => {
  const listing = await files.list(path)
  const entries: FileEntry[] = []
  try {
    for (let some = await listing.next(); some; some = await listing.next()) entries.push(...some)
  } finally {
    await listing.close()
  }
  return entries
}

export const namesIn = async (files: Files, path: string): Promise<string[]> =>
  (await listAll(files, path)).map(({ name }) => name).toSorted()

/** The error of `act`, which must be an `SftpError`. */
export const refusal = async (act: () => unknown): Promise<SftpError> => {
  try {
    await act()
  } catch (error) {
    assert.ok(error instanceof SftpError, `not an SftpError: ${String(error)}`)
    return error
  }
  return assert.fail('it was not refused')
}

export const refused = async (act: () => unknown, errno: string, status: SftpStatus): Promise<void> => {
  const error = await refusal(act)
  assert.deepEqual([error.errno, error.status], [errno, status])
}

// A view of files that shows everything and changes nothing, whatever it is asked.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { readOnlyFiles } from '../../../src/sftp/files/read-only.ts'
import { bytes, contentsOf, get, namesIn, put, reading, writing } from './asking.ts'

const sample = async () => {
  const below = memoryFiles()
  below.makeDirectory('/d', {})
  await put(below, '/d/f', 'text')
  below.symlink('d/f', '/l')
  return { below, files: readOnlyFiles(below) }
}

const protectedAgainst = async (doing: () => unknown): Promise<void> =>
  assert.rejects(
    async () => doing(),
    (error: unknown) => error instanceof SftpError && error.status === 'write-protect' && /only be read/.test(error.message),
  )

describe('a view for reading', () => {
  test('shows what is there', async () => {
    const { files } = await sample()
    assert.deepEqual(await namesIn(files, '/'), ['d', 'l'])
    assert.equal(await get(files, '/l'), 'text')
    assert.equal((await files.stat('/l', false)).type, 'symlink')
    assert.equal(await files.readLink('/l'), 'd/f')
    assert.equal(await files.realPath('/l', true), '/d/f')
    assert.equal((await files.statvfs('/')).readOnly, true)
    const file = await files.open('/l', reading, {})
    assert.equal((await file.statvfs()).readOnly, true)
    assert.equal((await file.stat()).size, 4)
    await file.sync()
    await file.close()
  })

  test('refuses every change, and nothing changes', async () => {
    const { files, below } = await sample()
    const before = JSON.stringify([below.stat('/d/f', true), below.stat('/d', true), below.stat('/', true)])
    for (const doing of [
      () => files.open('/d/f', writing, {}),
      () => files.open('/d/f', { ...reading, write: true }, {}),
      () => files.open('/d/f', { ...reading, truncate: true }, {}),
      () => files.open('/new', { ...reading, create: true }, {}),
      () => files.setAttributes('/d/f', { permissions: 0 }, true),
      () => files.remove('/d/f'),
      () => files.rename('/d/f', '/g', false),
      () => files.makeDirectory('/e', {}),
      () => files.removeDirectory('/d'),
      () => files.link('/d/f', '/g'),
      () => files.symlink('d', '/k'),
    ])
      await protectedAgainst(doing)
    const file = await files.open('/d/f', reading, {})
    await protectedAgainst(() => file.write(0, bytes('x')))
    await protectedAgainst(() => file.setAttributes({ permissions: 0 }))
    assert.equal(await contentsOf(file), 'text')
    await file.close()
    assert.deepEqual(await namesIn(below, '/'), ['d', 'l'])
    assert.equal(JSON.stringify([below.stat('/d/f', true), below.stat('/d', true), below.stat('/', true)]), before)
  })
})

// An overlay: what is below stays as it is, to the byte and to the attribute, whatever is done above it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Files } from '../../../src/sftp/files.ts'
import { type MemoryFiles, memoryFiles } from '../../../src/sftp/files/memory.ts'
import { overlayFiles } from '../../../src/sftp/files/overlay.ts'
import { readOnlyFiles } from '../../../src/sftp/files/read-only.ts'
import { bytes, contentsOf, fault, get, namesIn, put, reading, writing } from './asking.ts'

const sample = async (): Promise<{ below: MemoryFiles; upper: MemoryFiles; files: Files }> => {
  const below = memoryFiles()
  for (const path of ['/d', '/d/e', '/empty']) below.makeDirectory(path, { permissions: 0o750 })
  await put(below, '/d/f', 'from below', 0o640)
  await put(below, '/d/e/g', 'deep')
  below.symlink('d/f', '/l')
  const upper = memoryFiles()
  return { below, upper, files: overlayFiles(readOnlyFiles(below), upper) }
}

describe('what is below', () => {
  test('is seen through, and nothing comes up for being looked at', async () => {
    const { files, upper } = await sample()
    assert.deepEqual(await namesIn(files, '/'), ['d', 'empty', 'l'])
    assert.equal(await get(files, '/l'), 'from below')
    assert.equal((await files.stat('/d', true)).permissions, 0o750)
    assert.deepEqual(await namesIn(upper, '/'), [])
  })

  test('comes up when it is changed, with mode, owner and times', async () => {
    const { files, below, upper } = await sample()
    const modified = { seconds: 1_000_000, nanoseconds: 5 }
    below.setAttributes('/d/f', { uid: 3, gid: 4, accessed: modified, modified }, true)
    below.setAttributes('/d', { accessed: modified, modified }, true)
    await files.setAttributes('/d/f', { permissions: 0o600 }, true)
    const { uid, gid, permissions, modified: kept } = upper.stat('/d/f', true)
    assert.deepEqual([uid, gid, permissions, kept], [3, 4, 0o600, modified])
    assert.equal(await get(files, '/d/f'), 'from below')
    assert.equal(below.stat('/d/f', true).permissions, 0o640)
    // Nothing was made or removed in the directory.
    assert.deepEqual((await files.stat('/d', true)).modified, modified)
    assert.deepEqual((await files.stat('/d', true)).permissions, 0o750)
  })

  test('comes up in pieces, holes as holes', async () => {
    const { files, below, upper } = await sample()
    const file = below.open('/big', writing, {})
    file.write(700_000, bytes('middle'))
    file.setAttributes({ size: 30_000_000 })
    file.close()
    const over = await files.open('/big', { ...reading, write: true }, {})
    await over.write(5, bytes('start'))
    assert.equal((await over.stat()).size, 30_000_000)
    assert.ok((upper.stat('/big', true).allocated ?? Infinity) < 2_000_000)
    const into = new Uint8Array(6)
    await over.read(700_000, into)
    assert.deepEqual(into, bytes('middle'))
    await over.close()
  })

  test('comes up without holding up everybody else', async () => {
    const { files, below } = await sample()
    const file = below.open('/big', writing, {})
    file.setAttributes({ size: 30_000_000 })
    file.close()
    let turns = 0
    const turn = setInterval(() => turns++, 0)
    const over = await files.open('/big', { ...reading, write: true }, {})
    await over.write(5, bytes('start'))
    clearInterval(turn)
    await over.close()
    assert.ok(turns > 0, 'nobody else had a turn')
  })

  test('is copied under another name first: half a copy is never seen, nor left behind', async () => {
    const { below } = await sample()
    const upper = memoryFiles({ capacity: 100_000 })
    const files = overlayFiles(readOnlyFiles(below), upper)
    const file = below.open('/big', writing, {})
    file.write(0, new Uint8Array(200_000).fill(1))
    file.close()
    await assert.rejects(async () => files.setAttributes('/big', { permissions: 0o600 }, true), fault('ENOSPC'))
    assert.deepEqual(await namesIn(upper, '/'), [])
    assert.equal((await files.stat('/big', true)).size, 200_000)
  })
})

describe('what is open while a file comes up', () => {
  test('goes on with the copy', async () => {
    const { files } = await sample()
    const reader = await files.open('/d/f', reading, {})
    assert.equal(await contentsOf(reader), 'from below')
    await put(files, '/d/f', 'new')
    assert.equal(await contentsOf(reader), 'new')
    await reader.setAttributes({ permissions: 0o611 })
    assert.equal((await files.stat('/d/f', true)).permissions, 0o611)
    await reader.close()
  })

  test('keeps a file that was removed or replaced below it, and cannot change it', async () => {
    const { files, below } = await sample()
    const reader = await files.open('/d/f', reading, {})
    await put(files, '/other', 'other')
    await files.rename('/other', '/d/f', true)
    assert.equal(await contentsOf(reader), 'from below')
    await assert.rejects(async () => reader.setAttributes({ permissions: 0 }), fault('EROFS'))
    assert.equal(await get(files, '/d/f'), 'other')
    assert.equal(below.stat('/d/f', true).permissions, 0o640)
    await reader.close()
  })

  test('changes it by its handle alone', async () => {
    const { files, below } = await sample()
    const reader = await files.open('/d/f', reading, {})
    await reader.setAttributes({ permissions: 0o600 })
    assert.equal((await files.stat('/d/f', true)).permissions, 0o600)
    await assert.rejects(async () => reader.write(0, bytes('x')), fault('EBADF'))
    assert.equal(below.stat('/d/f', true).permissions, 0o640)
    await reader.close()
  })
})

describe('what is removed', () => {
  test('is gone, though it is below still', async () => {
    const { files, below } = await sample()
    await files.remove('/d/f')
    await files.remove('/l')
    assert.deepEqual(await namesIn(files, '/d'), ['e'])
    assert.deepEqual(await namesIn(files, '/'), ['d', 'empty'])
    await assert.rejects(async () => files.stat('/d/f', true), fault('ENOENT'))
    assert.equal(await get(below, '/d/f'), 'from below')
  })

  test('stays gone for the next who lays the same two over each other', async () => {
    const { files, below, upper } = await sample()
    await files.remove('/d/f')
    await put(files, '/d/h', 'new')
    const again = overlayFiles(readOnlyFiles(below), upper)
    assert.deepEqual(await namesIn(again, '/d'), ['e', 'h'])
  })

  test('makes room: a directory of the same name shows nothing of the old one', async () => {
    const { files } = await sample()
    await assert.rejects(async () => files.removeDirectory('/d'), fault('ENOTEMPTY'))
    await files.remove('/d/e/g')
    await files.removeDirectory('/d/e')
    await files.remove('/d/f')
    await files.removeDirectory('/d')
    await files.makeDirectory('/d', {})
    assert.deepEqual(await namesIn(files, '/d'), [])
    await put(files, '/d/f', 'again')
    assert.equal(await get(files, '/d/f'), 'again')
  })

  test('is refused where no mark can be set, and marks are no names', async () => {
    const { files, below } = await sample()
    const long = 'x'.repeat(252)
    await put(below, `/${long}`, 'long')
    await assert.rejects(async () => files.remove(`/${long}`), fault('ENAMETOOLONG'))
    assert.equal(await get(files, `/${long}`), 'long')
    await files.remove('/l')
    await assert.rejects(async () => files.stat('/.wh.l', false), fault('ENOENT'))
    await assert.rejects(async () => files.open('/.wh.d', writing, {}), fault('EINVAL'))
    await assert.rejects(async () => files.makeDirectory('/.wh.d', {}), fault('EINVAL'))
    await assert.rejects(async () => files.rename('/d', '/.wh.d', true), fault('EINVAL'))
    assert.deepEqual(await namesIn(files, '/'), ['d', 'empty', long])
  })
})

describe('a directory from below', () => {
  test('is renamed with all that is in it', async () => {
    const { files, below } = await sample()
    await put(files, '/d/h', 'above')
    await files.rename('/d', '/moved', false)
    assert.deepEqual(await namesIn(files, '/'), ['empty', 'l', 'moved'])
    assert.deepEqual(await namesIn(files, '/moved'), ['e', 'f', 'h'])
    assert.equal(await get(files, '/moved/e/g'), 'deep')
    assert.equal(await get(files, '/moved/f'), 'from below')
    assert.deepEqual(await namesIn(below, '/d'), ['e', 'f'])
    await files.rename('/moved', '/d', false)
    assert.deepEqual(await namesIn(files, '/d'), ['e', 'f', 'h'])
  })

  test('is replaced by another when it is empty, and then shows that one only', async () => {
    const { files } = await sample()
    await assert.rejects(async () => files.rename('/empty', '/d', true), fault('ENOTEMPTY'))
    await files.rename('/d', '/empty', true)
    assert.deepEqual(await namesIn(files, '/empty'), ['e', 'f'])
    await assert.rejects(async () => files.stat('/d', true), fault('ENOENT'))
  })

  test('merges with what is above in one listing', async () => {
    const { files } = await sample()
    await put(files, '/d/f', 'covers')
    await put(files, '/d/a', 'new')
    assert.deepEqual(await namesIn(files, '/d'), ['a', 'e', 'f'])
  })
})

describe('changes at the same time', () => {
  test('wait for each other', async () => {
    const { files } = await sample()
    await Promise.all([
      put(files, '/d/e/1', 'one'),
      put(files, '/d/e/2', 'two'),
      files.setAttributes('/d/e/g', { permissions: 0o600 }, true),
      files.setAttributes('/d/f', { permissions: 0o600 }, true),
      files.rename('/empty', '/d/e/empty', false),
    ])
    assert.deepEqual(await namesIn(files, '/d/e'), ['1', '2', 'empty', 'g'])
    // One that fails holds none up.
    const [failed, done] = await Promise.allSettled([files.remove('/d'), files.remove('/d/f')])
    assert.deepEqual([failed.status, done.status], ['rejected', 'fulfilled'])
  })
})

// copy-data within one file that is open twice: it ends, and copies what was there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyData } from '../../../src/sftp/extensions/copy-data.ts'
import type { Serving } from '../../../src/sftp/extensions/row.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { contentsOf, put, reading, writing } from '../files/asking.ts'

test('a file is copied behind itself once, not for ever', async () => {
  const files = memoryFiles({ capacity: 1_000_000 })
  await put(files, '/a', '0123456789')
  files.symlink('a', '/b')
  const opened = [
    { path: '/a', file: files.open('/a', reading, {}), options: reading, text: undefined },
    { path: '/b', file: files.open('/b', writing, {}), options: writing, text: undefined },
  ]
  let pauses = 0
  const serving: Pick<Serving, 'fileOf' | 'over' | 'pause'> = {
    fileOf: handle => opened[handle[0]],
    over: () => false,
    pause: async () => {
      if (++pauses > 100) throw new Error('it goes on and on')
    },
  }
  const copy = (fromOffset: number, length: number, toOffset: number): unknown =>
    copyData.serve(serving as Serving, { from: Uint8Array.of(0), fromOffset, length, to: Uint8Array.of(1), toOffset })
  await copy(0, 0, 10)
  assert.equal(await contentsOf(opened[0].file), '01234567890123456789')
  await copy(18, 100, 20)
  assert.equal(await contentsOf(opened[0].file), '0123456789012345678989')
  await copy(50, 0, 0)
  assert.equal(opened[0].file.stat().size, 22)
})

// nologin(5): whom a file keeps out, and with which words.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { closedNote } from '../../src/sshd/nologin.ts'
import { accountAt, temporaryFolder } from './world.ts'

test('a file keeps out everybody but root, where the server is root', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'nologin')
  const ada = { ...accountAt('/'), uid: 1000 }
  const places = [join(folder.path, 'other'), path]
  assert.equal(closedNote(ada, places), undefined)
  writeFileSync(path, 'Closed.\n')
  const found = closedNote(ada, places)
  // Without root there is nobody but whoever started it.
  assert.deepEqual(found, process.geteuid?.() === 0 ? { path, text: 'Closed.\n' } : undefined)
  assert.equal(closedNote({ ...ada, uid: 0 }, places), undefined)
})

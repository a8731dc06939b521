// What the system refuses by rights: told apart from what is not there, with the rights of a user who is not root. A process
// that was root and is not any more must still reach its own folder by /proc.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { folderFor, namesIn, readAll, refused, writeAll } from './on-disk.ts'

const isRoot = process.getuid?.() === 0
const nobody = 65_534

/** Everything in `act` is done by nobody. */
const asNobody = async (act: () => Promise<void>): Promise<void> => {
  process.setegid?.(nobody)
  process.seteuid?.(nobody)
  try {
    await act()
  } finally {
    process.seteuid?.(0)
    process.setegid?.(0)
  }
}

const kinds: readonly (readonly [name: string, make: (folder: string) => readonly [Files, string]])[] = [
  ['local files', folder => [localFiles(), folder]],
  ['local files in the thread pool', folder => [localFiles({ blocking: 'never' }), folder]],
  ['files in a folder', folder => [rootedFiles(folder), '']],
]

for (const [kind, make] of kinds) {
  describe(kind, { skip: !isRoot && 'only root can become nobody' }, () => {
    /** A folder of nobody's, and in it a file and a folder of root's. */
    const inTheirFolder = async (t: TestContext, act: (files: Files, at: string, folder: string) => Promise<void>): Promise<void> => {
      const folder = folderFor(t)
      fs.writeFileSync(`${folder}/theirs`, 'theirs', { mode: 0o600 })
      fs.mkdirSync(`${folder}/closed`, { mode: 0o700 })
      fs.writeFileSync(`${folder}/closed/a`, '')
      fs.chownSync(folder, nobody, nobody)
      await asNobody(async () => act(...make(folder), folder))
    }

    test('reading and looking where one may not', t =>
      inTheirFolder(t, async (files, at) => {
        await refused(() => readAll(files, `${at}/theirs`), 'EACCES', 'permission-denied')
        await refused(() => files.stat(`${at}/closed/a`, true), 'EACCES', 'permission-denied')
        await refused(() => files.stat(`${at}/closed/none`, true), 'EACCES', 'permission-denied')
        await refused(() => namesIn(files, `${at}/closed`), 'EACCES', 'permission-denied')
        await refused(() => files.stat(`${at}/none`, true), 'ENOENT', 'no-such-file')
      }))

    test('changing what belongs to somebody else', t =>
      inTheirFolder(t, async (files, at) => {
        await refused(() => files.setAttributes(`${at}/theirs`, { permissions: 0o777 }, true), 'EPERM', 'permission-denied')
        await refused(() => files.setAttributes(`${at}/theirs`, { uid: nobody }, true), 'EPERM', 'permission-denied')
        await refused(() => files.setAttributes(`${at}/theirs`, { size: 0 }, true), 'EACCES', 'permission-denied')
        await refused(() => files.remove(`${at}/closed/a`), 'EACCES', 'permission-denied')
        await refused(() => files.makeDirectory(`${at}/closed/d`, {}), 'EACCES', 'permission-denied')
      }))

    test('a file that may be written but not read can be cut off', t =>
      inTheirFolder(t, async (files, at, folder) => {
        await writeAll(files, `${at}/a`, '12345')
        await files.setAttributes(`${at}/a`, { permissions: 0o200 }, true)
        await files.setAttributes(`${at}/a`, { size: 2 }, true)
        assert.equal(fs.statSync(`${folder}/a`).size, 2)
        await refused(() => readAll(files, `${at}/a`), 'EACCES', 'permission-denied')
      }))

    test('a file nobody may link is renamed all the same, and replaces nothing', t =>
      inTheirFolder(t, async (files, at, folder) => {
        await files.rename(`${at}/theirs`, `${at}/moved`, false)
        await writeAll(files, `${at}/own`, 'own')
        await refused(() => files.rename(`${at}/moved`, `${at}/own`, false), 'EEXIST', 'file-already-exists')
        assert.deepEqual(fs.readdirSync(folder).toSorted(), ['closed', 'moved', 'own'])
        assert.equal(fs.statSync(`${folder}/moved`).uid, 0)
        assert.equal(await readAll(files, `${at}/own`), 'own')
      }))

    test('where only owners remove, a file of somebody else stays under its name alone', async t => {
      const folder = folderFor(t)
      fs.writeFileSync(`${folder}/theirs`, 'theirs', { mode: 0o666 })
      fs.chmodSync(`${folder}/theirs`, 0o666)
      fs.chmodSync(folder, 0o1777)
      await asNobody(async () => {
        const [files, at] = make(folder)
        await refused(() => files.rename(`${at}/theirs`, `${at}/moved`, false), 'EPERM', 'permission-denied')
      })
      assert.deepEqual(fs.readdirSync(folder), ['theirs'])
    })
  })
}

test(
  'a link of somebody else in a folder where everybody may write is not followed',
  { skip: !isRoot && 'only root can become nobody' },
  async t => {
    const folder = folderFor(t)
    fs.chmodSync(folder, 0o755)
    fs.mkdirSync(`${folder}/shared`)
    fs.chmodSync(`${folder}/shared`, 0o1777)
    fs.mkdirSync(`${folder}/shared/d`)
    fs.writeFileSync(`${folder}/shared/d/a`, 'a')
    for (const [name, owner] of [
      ['of root', 0],
      ['of nobody', nobody],
      ['of a third', 1234],
    ] as const) {
      fs.symlinkSync('d', `${folder}/shared/${name}`)
      fs.lchownSync(`${folder}/shared/${name}`, owner, owner)
    }
    await asNobody(async () => {
      const files = rootedFiles(folder)
      assert.equal(await readAll(files, '/shared/of root/a'), 'a')
      assert.equal(await readAll(files, '/shared/of nobody/a'), 'a')
      await refused(() => readAll(files, '/shared/of a third/a'), 'EACCES', 'permission-denied')
    })
  },
)
